// Puts the sample portrait into the embedded object store as the avatar and the subject photo of the user `demo`.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../paths.mjs';

export const sampleUser = 'demo';

export function placeSampleAvatar(dataDir) {
  for (const prefix of ['avatars', 'subjects']) {
    const folder = path.join(dataDir, 'objects', prefix);
    fs.mkdirSync(folder, { recursive: true });
    fs.copyFileSync(inRoot('samples', 'portrait.jpg'), path.join(folder, `${sampleUser}.png`));
  }
}

/** The three settings that put real SDXL in the place of the demo model, as lines. */
export function realModelSettings() {
  return [
    'MODEL_PATH=stabilityai/stable-diffusion-xl-base-1.0   # or a folder that holds it',
    'IP_ADAPTER=h94/IP-Adapter                             # or a folder that holds it',
    'IP_ADAPTER_WEIGHTS=ip-adapter_sdxl_vit-h.safetensors',
  ];
}
