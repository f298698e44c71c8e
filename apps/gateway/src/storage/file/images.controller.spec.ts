import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Global, type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import request from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { AppConfigModule } from '../../config/config.module.js';
import { loadConfig } from '../../config/load-config.js';
import { ErrorsModule } from '../../errors/errors.module.js';
import { ObjectStore } from '../object-store.js';
import { PictureOwners } from '../picture-owners.js';
import { StorageModule } from '../storage.module.js';

/** Nobody's jobs are known: whose pictures they are is tried with the whole application, in test/contract. */
@Global()
@Module({
  providers: [{ provide: PictureOwners, useValue: { tenantOf: () => Promise.resolve(undefined) } }],
  exports: [PictureOwners],
})
class NoOwnersModule {}

const png = Buffer.from('89504e470d0a1a0a', 'hex');
const key = 'generated/ada/memory_1f.png';
let folder: string;
let app: INestApplication<Server>;

async function serve(env: Record<string, string>): Promise<void> {
  const config = loadConfig(env);
  const module = await Test.createTestingModule({
    imports: [AppConfigModule.of(config), ErrorsModule, NoOwnersModule, StorageModule],
  }).compile();
  app = module.createNestApplication<INestApplication<Server>>({ logger: false });
  await app.listen(0, '127.0.0.1');
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'images-'));
});

afterEach(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

describe('GET /images with the file store', () => {
  beforeEach(async () => {
    await serve({ DATA_DIR: folder, PORT: '0' });
    await app.get(ObjectStore).put(key, png, 'image/png');
    await app.get(ObjectStore).put('avatars/ada.png', png, 'image/png');
    await app.get(ObjectStore).put('generated/ada/notes.png', png, 'image/png');
  });

  it('serves a result under the url that the store tells, on the port it listens on', async () => {
    const { url } = app.get(ObjectStore).locate(key);
    const reply = await fetch(url ?? '');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('image/png');
    expect(reply.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
    expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    expect(Buffer.from(await reply.arrayBuffer())).toEqual(png);
  });

  it('answers 304 to whoever has it already', async () => {
    const first = await request(app.getHttpServer()).get(`/images/${key}`).expect(200);
    const etag = first.headers['etag'] ?? '';
    expect(etag).not.toBe('');
    await request(app.getHttpServer()).get(`/images/${key}`).set('If-None-Match', etag).expect(304);
    await request(app.getHttpServer()).get(`/images/${key}`).set('If-None-Match', '"other"').expect(200);
  });

  it.each([
    'avatars/ada.png',
    'avatars%2Fada.png',
    'generated/%2E%2E/avatars/ada.png',
    'generated%2F..%2Favatars%2Fada.png',
    'generated/ada/..%2F..%2F..%2Favatars%2Fada.png',
    'generated/ada/notes.png',
    'generated/ada/memory_2.png',
    'generated/ada',
    'generated/ada/memory_1f.png%00',
    '%2Fetc%2Fpasswd',
  ])('has no image %s', async (path) => {
    const reply = await request(app.getHttpServer()).get(`/images/${path}`).expect(404);
    expect(reply.body).toMatchObject({ error: 'not-found', status: 404 });
    expect(reply.headers['content-type']).toContain('application/problem+json');
  });
});

describe('GET /images with an S3 store', () => {
  it('has no images', async () => {
    await serve({ S3_BUCKET_NAME: 'album' });
    const reply = await request(app.getHttpServer()).get(`/images/${key}`).expect(404);
    expect(reply.body).toMatchObject({ error: 'not-found' });
  });
});
