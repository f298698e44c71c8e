import { IllustrationRequest } from './illustration-request.js';
import type { IllustrationValues } from './illustration-values.js';

/** A request as a job carries it: plain JSON, complete, so that no later default changes an accepted job. */
export type IllustrationPayload = {
  kind: string;
  user_id: string;
  prompt: string;
  style_prompt: string;
  negative_prompt: string;
  num_inference_steps: number;
  ip_adapter_scale: number;
  guidance_scale: number;
  n: number;
  width?: number;
  height?: number;
  lora_id?: string;
  seed?: number;
  preview_every?: number;
};

export function toPayload(request: IllustrationValues): IllustrationPayload {
  return {
    kind: request.kind,
    user_id: request.userId,
    prompt: request.prompt,
    style_prompt: request.stylePrompt,
    negative_prompt: request.negativePrompt,
    num_inference_steps: request.numInferenceSteps,
    ip_adapter_scale: request.ipAdapterScale,
    guidance_scale: request.guidanceScale,
    n: request.n,
    width: request.width,
    height: request.height,
    lora_id: request.loraId,
    seed: request.seed,
    preview_every: request.previewEvery,
  };
}

/**
 * The request that `toPayload` was given.
 *
 * @throws Error when it did not make this payload; DomainError `validation-failed` when the limits are tighter now
 */
export function fromPayload(payload: Readonly<Record<string, unknown>>): IllustrationRequest {
  const { kind } = payload;
  if (kind !== 'memory' && kind !== 'subject') throw new Error('a job without a known kind of illustration');
  return IllustrationRequest.restore({
    kind,
    userId: text(payload, 'user_id'),
    prompt: text(payload, 'prompt'),
    stylePrompt: text(payload, 'style_prompt'),
    negativePrompt: text(payload, 'negative_prompt'),
    numInferenceSteps: number(payload, 'num_inference_steps'),
    ipAdapterScale: number(payload, 'ip_adapter_scale'),
    guidanceScale: number(payload, 'guidance_scale'),
    n: number(payload, 'n'),
    width: optional(number, payload, 'width'),
    height: optional(number, payload, 'height'),
    loraId: optional(text, payload, 'lora_id'),
    seed: optional(number, payload, 'seed'),
    previewEvery: optional(number, payload, 'preview_every'),
  });
}

type Read<T> = (payload: Readonly<Record<string, unknown>>, name: string) => T;

const text: Read<string> = (payload, name) => {
  const value = payload[name];
  if (typeof value !== 'string') throw new Error(`a job whose ${name} is no text`);
  return value;
};

const number: Read<number> = (payload, name) => {
  const value = payload[name];
  if (typeof value !== 'number') throw new Error(`a job whose ${name} is no number`);
  return value;
};

function optional<T>(read: Read<T>, ...[payload, name]: Parameters<Read<T>>): T | undefined {
  return payload[name] === undefined || payload[name] === null ? undefined : read(payload, name);
}
