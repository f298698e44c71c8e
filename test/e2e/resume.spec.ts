// A worker that dies in the middle of a drawing costs the steps since the last checkpoint, and not the picture.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { portrait } from '../support/avatars.js';
import { RunningService, until } from '../support/running-service.js';

const request = { user_id: 'ada', prompt: 'A long evening', num_inference_steps: 120, seed: 7 };

interface JobReply {
  job_id: string;
  state: string;
  attempt: number;
  progress?: { step: number };
  data?: { url: string }[];
  receipt?: { resumed_from_step: number | null };
}

let service: RunningService;

beforeAll(async () => {
  service = await RunningService.start();
  service.putObject('avatars/ada.png', portrait);
});
afterAll(() => service?.stop());

async function look(jobId: string): Promise<JobReply> {
  return (await (await fetch(`${service.url}/v1/jobs/${jobId}`)).json()) as JobReply;
}

it('goes on with the picture after kill -9 of the worker, and ends with the same bytes', async () => {
  const whole = await service.drawMemory(request);

  const accepted = await service.post('/v1/images/memory', request, { headers: { prefer: 'respond-async' } });
  expect(accepted.status).toBe(202);
  const { job_id: jobId } = (await accepted.json()) as JobReply;
  // Every tenth step is a checkpoint: at least one has been kept by now.
  await until('a quarter is drawn', async () => ((await look(jobId)).progress?.step ?? 0) >= 30);
  process.kill(service.workerPid, 'SIGKILL');

  // A new worker has to import torch, load the model and draw once before it goes on.
  const done = await until(
    'the job has ended',
    async () => {
      const job = await look(jobId);
      return job.state !== 'queued' && job.state !== 'running' && job;
    },
    60_000,
  );
  expect(done).toMatchObject({ state: 'succeeded', attempt: 2 });
  const resumedFrom = done.receipt?.resumed_from_step ?? 0;
  expect(resumedFrom).toBeGreaterThanOrEqual(20);
  expect(resumedFrom).toBeLessThan(request.num_inference_steps);

  const picture = await fetch(done.data?.[0]?.url ?? '');
  expect(Buffer.from(await picture.arrayBuffer()).equals(whole)).toBe(true);

  const finished = service.logLines().filter(({ msg }) => msg === 'job finished');
  expect(finished.map(({ job_id: id, steps_made: steps }) => [id === jobId, steps])).toEqual([
    [false, request.num_inference_steps],
    [true, request.num_inference_steps - resumedFrom],
  ]);
}, 120_000);
