// JSON Web Tokens and quotas as callers of the whole service meet them, over both faces.
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { IllustrationServiceClient } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import type { Job } from '../../apps/gateway/src/generated/autobio/illustration/v1/job.js';
import { listen } from '../../apps/gateway/src/http/listen.js';
import { aMemory, answerOf, detailsOf, toEnd } from '../support/grpc-calls.js';
import { expectProblem } from '../support/problem.js';
import { TenantsApp, withBearer } from '../support/tenants-app.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

const [issuer, audience] = ['https://issuer.example/', 'illustrations'];

let issuerServer: Server;
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let tenants: TenantsApp<'acme' | 'other'>;
let client: IllustrationServiceClient;

beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
  issuerServer = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })));
  const port = await listen(issuerServer, { host: '127.0.0.1', port: 0 });
  tenants = await TenantsApp.start(
    { acme: { tenant: 'acme', scopes: ['generate', 'read'] }, other: { tenant: 'other', scopes: ['generate'] } },
    {
      JWT_ISSUER: issuer,
      JWT_AUDIENCE: audience,
      JWT_JWKS_URL: `http://127.0.0.1:${port}/keys`,
      QUOTA_REQUESTS_PER_MINUTE: '2',
      QUOTA_CONCURRENT_JOBS: '50',
    },
  );
  client = tenants.whole.grpcClient();
}, 60_000);
afterAll(async () => {
  client.close();
  await tenants.stop();
  issuerServer.close();
});

function tokenOf(claims: Record<string, unknown>): Promise<string> {
  const signer = new SignJWT({ iss: issuer, aud: audience, ...claims });
  return signer.setProtectedHeader({ alg: 'ES256', kid: 'k' }).setExpirationTime('1 minute').sign(keys.privateKey);
}

async function statusOf(method: string, address: string, token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return (await fetch(tenants.whole.url + address, { method, headers })).status;
}

describe('a JSON Web Token', () => {
  it('lets in for what its scopes allow, over REST and gRPC', async () => {
    const token = await tokenOf({ tenant: 'globex', scope: 'read' });
    expect(await statusOf('GET', '/v1/jobs', token)).toBe(200);
    expect(await statusOf('POST', '/v1/images/memory', token)).toBe(403);
    const { jobs } = await answerOf<{ jobs: Job[] }>((done) => client.listJobs({}, withBearer(token), done));
    expect(jobs).toEqual([]);
    const { error } = await toEnd(client.illustrate(aMemory(), withBearer(token)));
    expect(error?.code).toBe(grpcStatus.PERMISSION_DENIED);
  });

  it('of another audience does not', async () => {
    const token = await tokenOf({ tenant: 'globex', scope: 'read', aud: 'payments' });
    expect(await statusOf('GET', '/v1/jobs', token)).toBe(401);
  });
});

describe('a quota', () => {
  it('is told with every drawing, and refuses with the time to wait', async () => {
    const first = await tenants.ask('acme');
    expect(first.status).toBe(202);
    expect(first.headers.get('ratelimit-policy')).toBe('"requests";q=2;w=60, "jobs";q=50');
    expect(first.headers.get('ratelimit')).toMatch(/^"requests";r=1;t=\d+, "jobs";r=\d+$/);
    expect((await tenants.ask('acme')).headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d+, /);
    const refused = await tenants.ask('acme');
    const problem = expectProblem({ status: refused.status, headers: refused.headers, text: await refused.text() });
    expect(problem).toMatchObject({ status: 429, error: 'quota-exceeded', retryable: true });
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    expect(refused.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=\d+/);
  });

  it('refuses over gRPC too, and leaves other tenants alone', async () => {
    const { error } = await toEnd(client.illustrate(aMemory(), tenants.metadata('acme')));
    expect(error?.code).toBe(grpcStatus.RESOURCE_EXHAUSTED);
    expect(error && detailsOf(error).reason).toBe('QUOTA_EXCEEDED');
    expect((await tenants.ask('other')).status).toBe(202);
  });

  it('counts no reading', async () => {
    for (let number = 0; number < 10; number += 1) {
      expect((await tenants.fetch('/v1/jobs', { as: 'acme' })).status).toBe(200);
    }
  });
});
