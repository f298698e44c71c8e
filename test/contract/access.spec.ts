// Who may do what: every route and every RPC, walked. One that is new stands in no table below and fails here, until
// somebody has decided who may use it.
import { Client, credentials, status as grpcStatus } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { scopes, type Scope } from '../../apps/gateway/src/auth/scopes.js';
import { IllustrationServiceService } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { allRoutes } from '../support/all-routes.js';
import { detailsOf } from '../support/grpc-calls.js';
import { sharedToken, TenantsApp, withBearer, type KeyHolder } from '../support/tenants-app.js';

// A machine that is busy with other things must not fail these.
vi.setConfig({ testTimeout: 20_000 });

type Access = Scope | 'any' | 'public';

const routes: Readonly<Record<string, Access>> = {
  'GET /': 'public',
  'GET /health': 'public',
  'GET /health/live': 'public',
  'GET /health/ready': 'public',
  'GET /health/startup': 'public',
  'GET /docs': 'any',
  'GET /docs/:file': 'any',
  'GET /docs/start.js': 'any',
  'GET /openapi.json': 'any',
  'GET /images/*key': 'read',
  'GET /v1/jobs': 'read',
  'GET /v1/jobs/:id': 'read',
  'GET /v1/jobs/:id/events': 'read',
  'GET /v1/models': 'read',
  'POST /v1/images/memory': 'generate',
  'POST /v1/images/subject': 'generate',
  'POST /v1/jobs/:id/cancel': 'generate',
  'DELETE /v1/users/:user_id/data': 'admin',
};

const rpcs: Readonly<Record<keyof typeof IllustrationServiceService, Access>> = {
  illustrate: 'generate',
  getJob: 'read',
  listJobs: 'read',
  cancelJob: 'generate',
  describeModels: 'read',
  eraseUserData: 'admin',
};

type Name = Scope | `all but ${Scope}` | 'none';

const holders = {
  none: { tenant: 'acme', scopes: [] },
  ...Object.fromEntries(scopes.map((scope) => [scope, { tenant: 'acme', scopes: [scope] }])),
  ...Object.fromEntries(
    scopes.map((scope) => [`all but ${scope}`, { tenant: 'acme', scopes: scopes.filter((one) => one !== scope) }]),
  ),
} as unknown as Record<Name, KeyHolder>;

let tenants: TenantsApp<Name>;
let raw: Client;

beforeAll(async () => {
  tenants = await TenantsApp.start(holders);
  raw = new Client(tenants.whole.grpcAddress, credentials.createInsecure());
}, 60_000);
afterAll(async () => {
  raw.close();
  await tenants.stop();
});

async function call(
  route: string,
  key: string | undefined,
): Promise<{ status: number; error: unknown; challenge: string | null }> {
  const [method = '', path = ''] = route.split(' ');
  const sample = path.replace('*key', 'generated/ada/memory_1.png').replace(/:\w+/g, 'sample');
  const response = await fetch(tenants.whole.url + sample, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    ...(method === 'POST' && { body: '{}' }),
  });
  const text = await response.text();
  const isProblem = response.headers.get('content-type') === 'application/problem+json';
  return {
    status: response.status,
    error: isProblem ? (JSON.parse(text) as { error: string }).error : undefined,
    challenge: response.headers.get('www-authenticate'),
  };
}

/** The reason that a call fails for; undefined: it does not. */
function callRpc(path: string, key: string | undefined): Promise<string | undefined> {
  const same = (bytes: Buffer): Buffer => bytes;
  const calling = raw.makeServerStreamRequest(path, same, same, Buffer.alloc(0), withBearer(key));
  return new Promise((resolve) => {
    calling.on('data', () => undefined);
    calling.on('error', (error) => resolve(detailsOf(error as never).reason ?? String(error)));
    calling.on('end', () => resolve(undefined));
  });
}

describe('every route', () => {
  it('stands in the table', () => {
    const served = allRoutes(tenants.whole.app).filter((route) => !route.endsWith(' /{*path}'));
    expect([...new Set(served)]).toEqual(Object.keys(routes).toSorted());
  });

  it.each(Object.entries(routes).filter(([, access]) => access === 'public'))(
    '%s answers without a credential',
    async (route) => {
      expect((await call(route, undefined)).status).toBe(200);
      expect((await call(route, 'a-wrong-token-of-somebody')).status).toBe(200);
    },
  );

  it.each(Object.entries(routes).filter(([, access]) => access !== 'public'))('%s asks for one', async (route) => {
    for (const key of [undefined, 'a-wrong-token-of-somebody', `${sharedToken}x`]) {
      expect(await call(route, key)).toEqual({ status: 401, error: 'unauthenticated', challenge: 'Bearer' });
    }
  });

  it.each(Object.entries(routes).filter((row): row is [string, Scope] => !['public', 'any'].includes(row[1])))(
    '%s needs the scope %s, and no other',
    async (route, scope) => {
      for (const name of ['none', `all but ${scope}`] as const) {
        expect(await call(route, tenants.keys[name])).toMatchObject({ status: 403, error: 'forbidden' });
      }
      expect([401, 403]).not.toContain((await call(route, tenants.keys[scope])).status);
    },
  );

  it.each(Object.entries(routes).filter(([, access]) => access === 'any'))(
    '%s is there for everybody with a credential',
    async (route) => {
      expect([401, 403]).not.toContain((await call(route, tenants.keys.none)).status);
    },
  );

  it.each(['GET /nothing', 'PUT /v1/images/memory', 'TRACE /v1/jobs', 'GET /HEALTH/../v1/jobs', 'GET //health'])(
    'that is none (%s) says so only to whom it knows',
    async (route) => {
      // Node's client refuses TRACE itself.
      if (route.startsWith('TRACE')) return;
      expect((await call(route, undefined)).status).toBe(401);
      expect([404, 405, 403]).toContain((await call(route, tenants.keys.none)).status);
    },
  );
});

describe('every RPC', () => {
  const methods = Object.values(IllustrationServiceService).map(({ path }) => path);

  it.each(methods)('%s asks for a credential', async (path) => {
    expect(await callRpc(path, undefined)).toBe('UNAUTHENTICATED');
    expect(await callRpc(path, 'a-wrong-token-of-somebody')).toBe('UNAUTHENTICATED');
  });

  it.each(Object.entries(rpcs) as [keyof typeof rpcs, Scope][])(
    '%s needs the scope %s, and no other',
    async (name, scope) => {
      const { path } = IllustrationServiceService[name];
      for (const holder of ['none', `all but ${scope}`] as const) {
        expect(await callRpc(path, tenants.keys[holder])).toBe('FORBIDDEN');
      }
      expect(['UNAUTHENTICATED', 'FORBIDDEN']).not.toContain(await callRpc(path, tenants.keys[scope]));
    },
  );

  it.each(['v1', 'v1alpha'])('of reflection %s asks for a credential', async (version) => {
    expect(await callRpc(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, undefined)).toBe(
      'UNAUTHENTICATED',
    );
  });

  it('that is none asks for a credential too', async () => {
    expect(await callRpc('/autobio.illustration.v1.IllustrationService/Nothing', undefined)).toMatch(
      new RegExp(`UNAUTHENTICATED|${grpcStatus.UNIMPLEMENTED}`),
    );
  });

  it('of health does not', async () => {
    expect(await callRpc('/grpc.health.v1.Health/Check', undefined)).toBeUndefined();
  });
});

it('lets the shared token draw and look, and not erase', async () => {
  expect((await call('GET /v1/jobs', sharedToken)).status).toBe(200);
  expect((await call('POST /v1/images/memory', sharedToken)).status).toBe(422);
  expect(await call('DELETE /v1/users/:user_id/data', sharedToken)).toMatchObject({ status: 403, error: 'forbidden' });
});
