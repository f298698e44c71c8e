// The whole gateway with authentication on, the shared token, and a key for each wish of the test.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { addApiKey } from '../../apps/gateway/src/auth/api-key-editing.js';
import type { Scope } from '../../apps/gateway/src/auth/scopes.js';
import { WholeApp } from './whole-app.js';

export const sharedToken = 'an-example-token-of-the-tests';

export interface KeyHolder {
  tenant: string;
  scopes: readonly Scope[];
}

export class TenantsApp<Name extends string> {
  private constructor(
    readonly whole: WholeApp,
    /** The key of each holder. */
    readonly keys: Readonly<Record<Name, string>>,
    private readonly folder: string,
  ) {}

  /** @param env settings on top of those of `WholeApp` */
  static async start<Name extends string>(
    holders: Readonly<Record<Name, KeyHolder>>,
    env: Record<string, string> = {},
  ): Promise<TenantsApp<Name>> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'illustration-tenants-'));
    const file = path.join(folder, 'keys.json');
    const keys: Record<string, string> = {};
    for (const [name, { tenant, scopes }] of Object.entries<KeyHolder>(holders)) {
      keys[name] = await addApiKey(file, { tenant, scopes: [...scopes], notAfter: undefined });
    }
    const whole = await WholeApp.start({ AUTH_ENABLED: 'true', AUTH_TOKEN: sharedToken, API_KEYS_FILE: file, ...env });
    return new TenantsApp(whole, keys as Record<Name, string>, folder);
  }

  /** A REST call with somebody's key. */
  fetch(
    address: string,
    { as, ...init }: Omit<RequestInit, 'headers'> & { as: Name; headers?: Record<string, string> },
  ): Promise<Response> {
    return fetch(this.whole.url + address, {
      ...init,
      headers: { ...init.headers, authorization: `Bearer ${this.keys[as]}` },
    });
  }

  /** Asks for a memory of Ada's without waiting for it. */
  ask(as: Name, fields: object = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch('/v1/images/memory', {
      as,
      method: 'POST',
      body: JSON.stringify({ user_id: 'ada', prompt: 'the lake', ...fields }),
      headers: { 'content-type': 'application/json', prefer: 'respond-async', ...headers },
    });
  }

  /** The id of a new job. */
  async accept(as: Name, fields: object = {}, headers: Record<string, string> = {}): Promise<string> {
    const response = await this.ask(as, fields, headers);
    const body = (await response.json()) as { job_id: string };
    if (response.status !== 202) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
    return body.job_id;
  }

  metadata(as: Name): Metadata {
    return withBearer(this.keys[as]);
  }

  async stop(): Promise<void> {
    await this.whole.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What a gRPC call carries as its credential. */
export function withBearer(key: string | undefined): Metadata {
  const metadata = new Metadata();
  if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
  return metadata;
}
