// The same with workers that draw with the tiny model: they need the cores themselves, so that pictures a second grow up to
// as many pods as there are cores, and no further.
import { availableParallelism } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomModel } from '../../scripts/service/models.mjs';
import { drawAll } from '../support/draw-all.js';
import { FaultStack } from '../support/fault-stack.js';
import { hasPostgres, PostgresServer } from '../support/postgres-server.js';
import { hasS3Server, S3Server } from '../support/s3-server.js';

const cores = availableParallelism();
const pods = [1, ...(cores > 1 ? [Math.min(cores, 8)] : [])];
const steps = 20;
const jobsOfPod = 16;
const settings = {
  ENGINE: 'batching',
  ...randomModel,
  MAX_OUTSTANDING_JOBS: '8',
};

describe.skipIf(!hasPostgres || !hasS3Server)('pods that draw with the tiny model', () => {
  let server: PostgresServer;
  let s3: S3Server;
  const rates = new Map<number, number>();
  beforeAll(async () => {
    server = await PostgresServer.start();
    s3 = await S3Server.start();
  });
  afterAll(async () => {
    await s3?.stop();
    await server?.stop();
    for (const [number, rate] of rates)
      console.log(`tiny model, ${number} pods on ${cores} cores: ${rate.toFixed(2)} pictures/s`);
  });

  it.each(pods)('%i draw every job', async (number) => {
    const databaseUrl = await server.createDatabase(`scale_model_${number}`);
    const stack = await FaultStack.start({ pairs: number, databaseUrl, s3, env: settings, isStartedInTurn: true });
    try {
      const jobs = number * jobsOfPod;
      const { seconds, ends } = await drawAll(stack, jobs, steps);
      expect(ends).toEqual(Array.from({ length: jobs }, () => 'succeeded'));
      expect(new Set(stack.runs().map(({ worker }) => worker)).size).toBe(number);
      rates.set(number, jobs / seconds);
    } finally {
      await stack.stop();
    }
  });
});
