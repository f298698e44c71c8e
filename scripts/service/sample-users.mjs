// Two users with sample portraits, and a memory of each.
import fs from 'node:fs';
import path from 'node:path';
import { inRoot } from '../paths.mjs';

/** Has a real photo, which the built-in model can take no looks from. */
const sampleUser = 'demo';
/** Has a portrait of the kind that the built-in model learnt from. */
const drawnUser = 'demo-drawn';

const portraits = { [sampleUser]: 'portrait.jpg', [drawnUser]: 'drawn-portrait.png' };

/** Nobody is in it: its avatar is a photo. */
export const sampleMemory = { user_id: sampleUser, prompt: 'A beautiful sunset over mountains' };
/** The person of the drawn avatar, in full: the default scale is made for photos and real SDXL. With a seed it is one picture. */
export const drawnPersonMemory = {
  user_id: drawnUser,
  prompt: 'Man sitting on a bench in Central Park',
  ip_adapter_scale: 1,
  seed: 9,
};

/** Puts the portraits into the embedded object store, as avatars and subject photos. */
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
