import {
  guidanceScaleRange,
  imagesRange,
  imageSizeMultiple,
  ipAdapterScaleRange,
  loraScaleRange,
  peopleRange,
  referenceImagesRange,
  stepsRange,
} from './domain/illustration-values.js';
import type { IllustratorProfile, ModelFile } from './domain/illustrator-profile.js';

/** What draws, as callers see it: the JSON of `GET /v1/models`; the gRPC message is made of it too. */
export interface ModelsView {
  is_demo_model: boolean;
  /** What a demo model is and draws, in a sentence or two. */
  note?: string;
  /** Equal digests draw equal pictures; empty: not known. */
  model_digest: string;
  drawn_by: DrawerView;
  base: ModelFileView;
  /** The IP-Adapter and its image encoder. */
  adapters: ModelFileView[];
  /** LoRAs that are always on, a VAE. */
  other_files: ModelFileView[];
  /** Those that requests named, in memory now, the latest used first. */
  held_loras: HeldLoraView[];
  limits: LimitsView;
}

export interface DrawerView {
  worker_version: string;
  engine: string;
  scheduler: string;
  device: string;
  dtype: string;
}

export interface ModelFileView {
  role: string;
  source: string;
  kind: string;
  /** Empty, and 0 bytes: not known. */
  sha256: string;
  size_bytes: number;
}

export interface HeldLoraView {
  lora_id: string;
  sha256: string;
  size_bytes: number;
}

/** Both ends included. */
export interface RangeView {
  min: number;
  max: number;
}

export interface LimitsView {
  /** Pixels of a side, in steps of `image_size_multiple`. */
  image_size: RangeView;
  image_size_multiple: number;
  default_image_size: number;
  num_inference_steps: RangeView;
  n: RangeView;
  people: RangeView;
  /** Of one person, from several angles. */
  reference_images: RangeView;
  ip_adapter_scale: RangeView;
  guidance_scale: RangeView;
  lora_scale: RangeView;
  /** 0: requests cannot name a LoRA. */
  max_lora_bytes: number;
}

const adapterRoles: ReadonlySet<string> = new Set(['ip_adapter', 'image_encoder']);

export function toModelsView(profile: IllustratorProfile): ModelsView {
  const files = profile.modelFiles.map(toFileView);
  const adapters = files.filter(({ role }) => adapterRoles.has(role));
  const base = files.find(({ role }) => role === 'base');
  return {
    is_demo_model: profile.isDemoModel,
    ...(profile.about !== undefined && { note: profile.about }),
    model_digest: profile.modelDigest,
    drawn_by: {
      worker_version: profile.workerVersion,
      engine: profile.engine,
      scheduler: profile.scheduler,
      device: profile.device,
      dtype: profile.dtype,
    },
    base: base ?? namedFile('base', profile.model),
    adapters:
      adapters.length === 0 && profile.ipAdapter !== undefined
        ? [namedFile('ip_adapter', profile.ipAdapter)]
        : adapters,
    other_files: files.filter((file) => file !== base && !adapters.includes(file)),
    held_loras: profile.heldLoras.map(({ loraId, sha256, sizeBytes }) => ({
      lora_id: loraId,
      sha256,
      size_bytes: sizeBytes,
    })),
    limits: toLimits(profile),
  };
}

function toLimits(profile: IllustratorProfile): LimitsView {
  const { defaultImageSize, minImageSize, maxImageSize, maxLoraBytes } = profile;
  return {
    image_size: { min: minImageSize, max: maxImageSize },
    image_size_multiple: imageSizeMultiple,
    default_image_size: defaultImageSize,
    num_inference_steps: { ...stepsRange },
    n: { ...imagesRange },
    people: { ...peopleRange },
    reference_images: { ...referenceImagesRange },
    ip_adapter_scale: { ...ipAdapterScaleRange },
    guidance_scale: { ...guidanceScaleRange },
    lora_scale: { ...loraScaleRange },
    max_lora_bytes: maxLoraBytes,
  };
}

function toFileView({ role, source, kind, sha256, sizeBytes }: ModelFile): ModelFileView {
  return { role, source, kind, sha256, size_bytes: sizeBytes };
}

/** Of a worker that tells no more of it than its name. */
function namedFile(role: string, source: string): ModelFileView {
  return { role, source, kind: '', sha256: '', size_bytes: 0 };
}
