// The documentation: complete, and working without the network under our content security policy.
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type CoreApp, startCoreApp } from '../../../../test/support/core-app.js';

let core: CoreApp;

beforeAll(async () => {
  core = await startCoreApp();
});
afterAll(() => core.app.close());

const get = (path: string) => request(core.app.getHttpServer()).get(path);

describe('the docs page', () => {
  it.each(['/docs', '/docs/'])('loads only files that this service has, from %s', async (path) => {
    const page = await get(path);
    expect(page.type).toBe('text/html');
    expect(page.text).not.toMatch(/<script>|<style|\son\w+=/);
    const files = [...page.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, file]) => file ?? '');
    expect(files).toHaveLength(4);
    for (const file of files) {
      const reply = await get(file);
      expect(reply.status).toBe(200);
      expect(reply.type).toMatch(/^(text\/css|text\/javascript|image\/png)$/);
    }
  });

  it.each(['/docs/index.html', '/docs/package.json', '/docs/..%2Fpackage.json'])('does not serve %s', async (path) => {
    expect((await get(path)).status).toBe(404);
  });
});

describe('the OpenAPI document', () => {
  it('describes the routes, their problems and the credential', async () => {
    const { body } = await get('/openapi.json');
    expect(body.info).toMatchObject({ title: 'AutoBio illustration service', version: expect.any(String) });
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/', '/health', '/health/ready', '/v1/echo']));
    expect(Object.keys(body.paths)).not.toContain('/docs');
    expect(body.paths['/v1/echo'].post.responses.default.content).toEqual({
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
    });
    expect(body.components.schemas.Problem.properties.error.enum).toContain('avatar-not-found');
    expect(body.security).toEqual([{ bearer: [] }]);
    expect(body.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' });
    expect(body.paths['/health'].get.security).toEqual([]);
  });
});

it('does not exist with DOCS_ENABLED=false', async () => {
  const closed = await startCoreApp({ DOCS_ENABLED: 'false' });
  const client = request(closed.app.getHttpServer());
  expect((await client.get('/docs')).status).toBe(404);
  expect((await client.get('/openapi.json')).status).toBe(404);
  expect((await client.get('/')).body).not.toHaveProperty('docs');
  await closed.app.close();
});
