import type { IllustrationFields } from '../domain/illustration-request.js';
import type { PersonFields } from '../domain/people.js';
import type { DrawMemoryDto } from './dto/draw-memory.dto.js';
import type { DrawSubjectDto } from './dto/draw-subject.dto.js';
import type { PersonDto } from './dto/person.dto.js';

/** The JSON body's names in the domain's. */
export function toIllustrationFields(body: DrawMemoryDto | DrawSubjectDto): IllustrationFields {
  return {
    userId: body.user_id,
    prompt: 'prompt' in body ? body.prompt : undefined,
    numInferenceSteps: body.num_inference_steps,
    ipAdapterScale: body.ip_adapter_scale,
    ipAdapterMode: body.ip_adapter_mode,
    people: 'people' in body ? body.people?.map(toPerson) : undefined,
    guidanceScale: body.guidance_scale,
    negativePrompt: body.negative_prompt,
    stylePrompt: body.style_prompt,
    n: body.n,
    width: body.width,
    height: body.height,
    loraId: body.lora_id,
    loraScale: body.lora_scale,
    seed: body.seed,
    previewEvery: body.preview_every,
  };
}

function toPerson({ user_id: userId, region, ip_adapter_scale: ipAdapterScale }: PersonDto): PersonFields {
  return { userId, region, ipAdapterScale };
}
