import type { IllustrationFields } from '../domain/illustration-request.js';
import type { DrawMemoryDto } from './dto/draw-memory.dto.js';
import type { DrawSubjectDto } from './dto/draw-subject.dto.js';

/** The JSON body's names in the domain's. */
export function toIllustrationFields(body: DrawMemoryDto | DrawSubjectDto): IllustrationFields {
  return {
    userId: body.user_id,
    prompt: 'prompt' in body ? body.prompt : undefined,
    numInferenceSteps: body.num_inference_steps,
    ipAdapterScale: body.ip_adapter_scale,
    guidanceScale: body.guidance_scale,
    negativePrompt: body.negative_prompt,
    stylePrompt: body.style_prompt,
    n: body.n,
    width: body.width,
    height: body.height,
    loraId: body.lora_id,
    seed: body.seed,
    previewEvery: body.preview_every,
  };
}
