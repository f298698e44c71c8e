import { IllustrationRequest } from './illustration-request.js';
import { ipAdapterModes, type IllustrationValues, type IpAdapterMode } from './illustration-values.js';
import { number, optional, text, type Payload } from './payload-members.js';
import { fromPeoplePayload, toPeoplePayload, type PersonPayload } from './people-payload.js';

/** A request as a job carries it: plain JSON, complete, so that no later default changes an accepted job. */
export type IllustrationPayload = {
  kind: string;
  user_id: string;
  prompt: string;
  style_prompt: string;
  negative_prompt: string;
  num_inference_steps: number;
  ip_adapter_scale: number;
  ip_adapter_mode: string;
  guidance_scale: number;
  n: number;
  width?: number;
  height?: number;
  lora_id?: string;
  lora_scale?: number;
  people?: PersonPayload[];
  seed?: number;
  preview_every?: number;
  /** Not what is drawn, but how: see `wantsFreshPicture`. */
  no_cache?: boolean;
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
    ip_adapter_mode: request.ipAdapterMode,
    guidance_scale: request.guidanceScale,
    n: request.n,
    width: request.width,
    height: request.height,
    lora_id: request.loraId,
    lora_scale: request.loraScale,
    people: request.people && toPeoplePayload(request.people),
    seed: request.seed,
    preview_every: request.previewEvery,
  };
}

/**
 * The request that `toPayload` was given.
 *
 * @throws Error when it did not make this payload; DomainError `validation-failed` when the limits are tighter now
 */
export function fromPayload(payload: Payload): IllustrationRequest {
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
    ipAdapterMode: mode(payload),
    people: fromPeoplePayload(payload['people']),
    guidanceScale: number(payload, 'guidance_scale'),
    n: number(payload, 'n'),
    width: optional(number, payload, 'width'),
    height: optional(number, payload, 'height'),
    loraId: optional(text, payload, 'lora_id'),
    loraScale: optional(number, payload, 'lora_scale'),
    seed: optional(number, payload, 'seed'),
    previewEvery: optional(number, payload, 'preview_every'),
  });
}

/** The caller wants the picture drawn, though the same one may be known. */
export function wantsFreshPicture(payload: Payload): boolean {
  return payload['no_cache'] === true;
}

/** Jobs of before there were modes have none. */
function mode(payload: Payload): IpAdapterMode {
  const name = optional(text, payload, 'ip_adapter_mode') ?? 'full';
  const known = ipAdapterModes.find((one) => one === name);
  if (known === undefined) throw new Error('a job without a known ip_adapter_mode');
  return known;
}
