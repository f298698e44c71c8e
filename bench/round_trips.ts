// B4's traffic: memories over REST that are drawn at once, from one caller and then from several.
import fs from 'node:fs';
import { portrait } from '../test/support/avatars.js';
import type { S3Server } from '../test/support/s3-server.js';
import { askMemory, median } from './memories.js';

const calls = 16;
export const lanes = 8;
/** Of the kernel's clock for processes, on Linux. */
const ticksPerSecond = 100;

/** A service, and what each round gave. */
export interface Arm {
  name: string;
  url: string;
  /** Whose CPU time is counted; undefined: nobody's. */
  pid?: number;
  p50Ms: number[];
  perSecond: number[];
  /** Milliseconds of CPU time a call. */
  cpuMs: number[];
}

export function newArm(arm: Pick<Arm, 'name' | 'url' | 'pid'>): Arm {
  return { ...arm, p50Ms: [], perSecond: [], cpuMs: [] };
}

export async function putAvatars(s3: S3Server): Promise<void> {
  for (let user = 0; user < lanes; user += 1) await s3.put(`avatars/user_${user}.png`, portrait);
}

export async function ask(url: string, number: number): Promise<{ ms: number; uri: string }> {
  const user = `user_${number % lanes}`;
  const answer = await askMemory(url, { user_id: user, prompt: `prompt ${number}`, num_inference_steps: 1 });
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${answer.text}`);
  return { ms: answer.ms, uri: answer.text };
}

/** One round. */
export async function measure({ url, pid, p50Ms, perSecond, cpuMs }: Arm): Promise<void> {
  const cpuBefore = cpuMsOf(pid);
  const alone: number[] = [];
  for (let number = 0; number < calls; number += 1) alone.push((await ask(url, number)).ms);
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (let number = lane; number < calls * 2; number += lanes) await ask(url, number);
    }),
  );
  p50Ms.push(median(alone));
  perSecond.push((calls * 2 * 1000) / (performance.now() - begun));
  cpuMs.push((cpuMsOf(pid) - cpuBefore) / (calls * 3));
}

/** The arms in turn, A B B A ..., after one round of each that is not counted: what happens once only. */
export async function takeTurns(arms: readonly Arm[], rounds: number): Promise<void> {
  for (const { name, url } of arms) await measure(newArm({ name, url }));
  for (let round = 0; round < rounds; round += 1) {
    for (const arm of round % 2 === 0 ? arms : arms.toReversed()) await measure(arm);
  }
}

function cpuMsOf(pid: number | undefined): number {
  if (pid === undefined) return Number.NaN;
  // The name in brackets may have spaces; after it come the state and ten numbers, then user and system time.
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ').map(Number) ?? [];
  return (((fields[11] ?? 0) + (fields[12] ?? 0)) * 1000) / ticksPerSecond;
}
