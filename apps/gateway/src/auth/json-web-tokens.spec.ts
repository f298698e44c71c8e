// Tokens of an identity provider, with a real provider's key set served over HTTP: which are good, and what they cost.
import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DomainError } from '../errors/domain-error.js';
import { listen } from '../http/listen.js';
import { JsonWebTokens } from './json-web-tokens.js';

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

const [issuer, audience] = ['https://issuer.example/', 'illustrations'];
let server: Server;
let url: string;
let fetches = 0;
let published: JWK[] = [];
let rsa: KeyPair;
let ec: KeyPair;
let tokens: JsonWebTokens;

async function publicKey({ publicKey: key }: KeyPair, kid: string, alg: string): Promise<JWK> {
  return { ...(await exportJWK(key)), kid, alg, use: 'sig' };
}

beforeAll(async () => {
  [rsa, ec] = await Promise.all([generateKeyPair('RS256', { extractable: true }), generateKeyPair('ES256')]);
  published = [await publicKey(rsa, 'rsa', 'RS256'), await publicKey(ec, 'ec', 'ES256')];
  server = createServer((_, response) => {
    fetches += 1;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: published }));
  });
  url = `http://127.0.0.1:${await listen(server, { host: '127.0.0.1', port: 0 })}/keys`;
  tokens = new JsonWebTokens({ issuer, audience, jwksUrl: url, tenantClaim: 'tenant' });
}, 30_000);
afterAll(() => {
  server.close();
});

interface Wish {
  claims?: Record<string, unknown>;
  header?: { alg?: string; kid?: string; crit?: string[] };
  key?: KeyPair['privateKey'];
}

function sign({ claims = {}, header = {}, key = rsa.privateKey }: Wish = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: issuer, aud: audience, exp: now + 60, tenant: 'acme', scope: 'read generate', ...claims };
  const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return new SignJWT(given).setProtectedHeader({ alg: 'RS256', kid: 'rsa', ...header }).sign(key);
}

describe('a good token', () => {
  it('names tenant and scopes', async () => {
    expect(await tokens.verify(await sign())).toEqual({ tenant: 'acme', scopes: ['read', 'generate'] });
  });

  it('may be signed with an elliptic curve', async () => {
    const token = await sign({ header: { alg: 'ES256', kid: 'ec' }, key: ec.privateKey });
    expect(await tokens.verify(token)).toMatchObject({ tenant: 'acme' });
  });

  it('gives no scope that is not ours, and takes a list of them', async () => {
    expect(await tokens.verify(await sign({ claims: { scope: ['admin', 'root', 7] } }))).toMatchObject({
      scopes: ['admin'],
    });
    expect(await tokens.verify(await sign({ claims: { scope: undefined } }))).toMatchObject({ scopes: [] });
  });

  it('costs no question to the issuer', async () => {
    await tokens.verify(await sign());
    const before = fetches;
    for (let number = 0; number < 20; number += 1) await tokens.verify(await sign());
    expect(fetches).toBe(before);
  });
});

describe('a token is refused', () => {
  const now = Math.floor(Date.now() / 1000);

  it.each<[string, Wish]>([
    ['of another issuer', { claims: { iss: 'https://other.example/' } }],
    ['for another audience', { claims: { aud: 'payments' } }],
    ['that has run out', { claims: { exp: now - 120 } }],
    ['that never runs out', { claims: { exp: undefined } }],
    ['that is not valid yet', { claims: { nbf: now + 600 } }],
    ['without a tenant', { claims: { tenant: undefined } }],
    ['with a tenant that is a path', { claims: { tenant: '../acme' } }],
    ['with a tenant that is an object', { claims: { tenant: { name: 'acme' } } }],
    ['of an unknown key', { header: { kid: 'other' } }],
  ])('%s', async (_, wish) => {
    expect(await tokens.verify(await sign(wish))).toBeUndefined();
  });

  it.each(['RS256', 'RS512', 'PS256'])('that somebody else has signed, with %s', async (alg) => {
    const stranger = await generateKeyPair(alg);
    expect(await tokens.verify(await sign({ key: stranger.privateKey, header: { alg } }))).toBeUndefined();
  });

  it('that is not signed, or with the public key for a secret', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const body = part({ iss: issuer, aud: audience, exp: now + 60, tenant: 'acme', scope: 'admin' });
    expect(await tokens.verify(`${part({ alg: 'none' })}.${body}.`)).toBeUndefined();
    const forged = `${part({ alg: 'HS256', kid: 'rsa' })}.${body}`;
    const mac = createHmac('sha256', JSON.stringify(published[0])).update(forged).digest('base64url');
    expect(await tokens.verify(`${forged}.${mac}`)).toBeUndefined();
  });

  it('whatever it is', async () => {
    const part = fc.oneof(
      fc.base64String(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(part, part, part, async (...parts) => {
        expect(await tokens.verify(parts.join('.'))).toBeUndefined();
      }),
    );
  });
});

describe('the issuer', () => {
  it('is not flooded by made-up key ids', async () => {
    const before = fetches;
    for (let number = 0; number < 20; number += 1)
      await tokens.verify(await sign({ header: { kid: `made-up-${number}` } }));
    expect(fetches - before).toBeLessThanOrEqual(1);
  });

  it('changes its keys, and the new ones are asked for', async () => {
    const fresh = new JsonWebTokens({ issuer, audience, jwksUrl: url, tenantClaim: 'tenant' });
    const next = await generateKeyPair('RS256', { extractable: true });
    published = [...published, await publicKey(next, 'next', 'RS256')];
    expect(await fresh.verify(await sign({ header: { kid: 'next' }, key: next.privateKey }))).toMatchObject({
      tenant: 'acme',
    });
  });

  it.each([
    ['is away', undefined],
    ['answers with an error', 500],
    ['answers with a page', 200],
  ])('that %s is no fault of the token', async (_, status) => {
    const broken = createServer((_request, response) => response.writeHead(status ?? 500).end('<html>'));
    const port = await listen(broken, { host: '127.0.0.1', port: 0 });
    if (status === undefined) broken.close();
    const away = new JsonWebTokens({
      issuer,
      audience,
      jwksUrl: `http://127.0.0.1:${port}/keys`,
      tenantClaim: 'tenant',
    });
    const failure = await away.verify(await sign()).catch((error: unknown) => error);
    broken.close();
    expect(failure).toBeInstanceOf(DomainError);
    expect(failure).toMatchObject({ reason: 'storage-unavailable' });
  });
});
