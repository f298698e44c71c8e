// With the S3 settings, avatars are read from and pictures are written to a real S3 server.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { portrait, stripes } from '../support/avatars.js';
import { RunningService } from '../support/running-service.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';

const request = { user_id: 'ada', prompt: 'A birthday cake', num_inference_steps: 3, seed: 5 };

describe.skipIf(!hasS3Server)('on a real S3 server', () => {
  let s3: S3Server;
  let service: RunningService;
  const draw = async (body: Record<string, unknown>) => {
    const response = await service.post('/v1/images/memory', body);
    return {
      status: response.status,
      body: (await response.json()) as { data: { s3_uri: string }[]; error?: string; detail?: string },
    };
  };

  beforeAll(async () => {
    s3 = await S3Server.start();
    await s3.put('avatars/ada.png', portrait);
    await s3.put('avatars/text.png', Buffer.from('no picture'));
    service = await RunningService.start(s3.settings);
  });
  afterAll(async () => {
    await service?.stop();
    await s3?.stop();
  });

  it('the reply names an object that the server holds, and its bytes are the picture', async () => {
    const { status, body } = await draw(request);
    expect(status).toBe(200);
    const uri = body.data[0]?.s3_uri ?? '';
    expect(uri).toMatch(new RegExp(`^s3://${s3.bucket}/generated/ada/memory_[A-Za-z0-9_-]+\\.png$`));
    const stored = await s3.get(uri);
    expect(stored.contentType).toBe('image/png');
    const finished = service
      .logLines()
      .find(
        (line) =>
          line.service === 'gateway' &&
          JSON.stringify(line).includes(createHash('sha256').update(stored.body).digest('hex')),
      );
    expect(finished, 'the gateway logged the digest of exactly these bytes').toBeDefined();
  });

  it('the same request through the file store gives the same picture', async () => {
    const local = await RunningService.start();
    local.putObject('avatars/ada.png', portrait);
    try {
      const { body } = await draw(request);
      const stored = await s3.get(body.data[0]?.s3_uri ?? '');
      expect((await local.drawMemory(request)).equals(stored.body)).toBe(true);
    } finally {
      await local.stop();
    }
  });

  it('a missing avatar is avatar-not-found, a text file avatar-invalid', async () => {
    expect(await draw({ ...request, user_id: 'nobody' })).toMatchObject({
      status: 422,
      body: { error: 'avatar-not-found', detail: expect.stringContaining('avatars/nobody.png') },
    });
    expect(await draw({ ...request, user_id: 'text' })).toMatchObject({
      status: 422,
      body: { error: 'avatar-invalid' },
    });
  });

  it('a store that refuses us is our fault: avatar-forbidden', async () => {
    const stranger = await RunningService.start({ ...s3.settings, AWS_SECRET_ACCESS_KEY: 'wrong-secret-key' });
    try {
      const response = await stranger.post('/v1/images/memory', request);
      expect(response.status).toBe(502);
      expect(await response.json()).toMatchObject({ error: 'avatar-forbidden' });
    } finally {
      await stranger.stop();
    }
  });

  it(
    'a store that accepts and never answers is a 503 in bounded time, and works again when it wakes',
    // Three attempts at the job, each with the three attempts of the S3 client.
    { timeout: 110_000 },
    async () => {
      await s3.put('avatars/bob.png', stripes());
      s3.freeze();
      try {
        expect(await draw({ ...request, user_id: 'bob' })).toMatchObject({
          status: 503,
          body: { error: 'storage-unavailable' },
        });
      } finally {
        s3.thaw();
      }
      expect((await draw({ ...request, user_id: 'bob' })).status).toBe(200);
    },
  );
});
