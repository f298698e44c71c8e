// Puts the sample portraits into the embedded object store, as avatars and subject photos of two users.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../paths.mjs';

/** Has a real photo, which the built-in model can take no looks from. */
export const sampleUser = 'demo';
/** Has a portrait of the kind that the built-in model learnt from. */
export const drawnUser = 'demo-drawn';

const portraits = { [sampleUser]: 'portrait.jpg', [drawnUser]: 'drawn-portrait.png' };

export function placeSampleAvatars(dataDir) {
  for (const prefix of ['avatars', 'subjects']) {
    const folder = path.join(dataDir, 'objects', prefix);
    fs.mkdirSync(folder, { recursive: true });
    for (const [user, file] of Object.entries(portraits)) {
      fs.copyFileSync(inRoot('samples', file), path.join(folder, `${user}.png`));
    }
  }
}

/** The three settings that put real SDXL in the place of the built-in model, as lines. */
export function realModelSettings() {
  return [
    'MODEL_PATH=stabilityai/stable-diffusion-xl-base-1.0   # or a folder that holds it',
    'IP_ADAPTER=h94/IP-Adapter                             # or a folder that holds it',
    'IP_ADAPTER_WEIGHTS=ip-adapter_sdxl_vit-h.safetensors',
  ];
}
