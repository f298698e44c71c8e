import type { DescribeModelsResponse, Limits, ModelFile } from '../../generated/autobio/illustration/v1/models.js';
import type { LimitsView, ModelFileView, ModelsView } from '../models-view.js';

/** The callers' view as its gRPC message. */
export function toModelsMessage(view: ModelsView): DescribeModelsResponse {
  const { worker_version: workerVersion, engine, scheduler, device, dtype } = view.drawn_by;
  return {
    isDemoModel: view.is_demo_model,
    note: view.note,
    modelDigest: view.model_digest,
    drawnBy: { workerVersion, engine, scheduler, device, dtype },
    base: toFile(view.base),
    adapters: view.adapters.map(toFile),
    otherFiles: view.other_files.map(toFile),
    heldLoras: view.held_loras.map(({ lora_id: loraId, sha256, size_bytes: sizeBytes }) => ({
      loraId,
      sha256,
      sizeBytes: BigInt(sizeBytes),
    })),
    limits: toLimits(view.limits),
  };
}

function toFile({ role, source, kind, sha256, size_bytes: sizeBytes }: ModelFileView): ModelFile {
  return { role, source, kind, sha256, sizeBytes: BigInt(sizeBytes) };
}

function toLimits(limits: LimitsView): Limits {
  return {
    imageSize: limits.image_size,
    imageSizeMultiple: limits.image_size_multiple,
    defaultImageSize: limits.default_image_size,
    numInferenceSteps: limits.num_inference_steps,
    n: limits.n,
    people: limits.people,
    referenceImages: limits.reference_images,
    ipAdapterScale: limits.ip_adapter_scale,
    guidanceScale: limits.guidance_scale,
    loraScale: limits.lora_scale,
    maxLoraBytes: BigInt(limits.max_lora_bytes),
  };
}
