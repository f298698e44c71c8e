// What a thousand pictures cost on which machine: computed from deploy/cost-model.json, never measured.
import fs from 'node:fs';
import { inRoot } from '../paths.mjs';

/** @returns {{type: string, gpu: string, secondsPerImage: number, imagesPerHour: number, usdPerThousand: number}[]} */
export function costs({ tflop_per_image: work, share, instances }) {
  return instances.map(({ type, gpu, gpus, tflops, usd_per_hour: price }) => {
    const secondsPerImage = work / (tflops * share);
    const imagesPerHour = (3600 / secondsPerImage) * gpus;
    return { type, gpu, secondsPerImage, imagesPerHour, usdPerThousand: (price / imagesPerHour) * 1000 };
  });
}

/** Head and rows of the table. */
export function costTable() {
  const model = JSON.parse(fs.readFileSync(inRoot('deploy', 'cost-model.json'), 'utf8'));
  const rows = costs(model).map((one) => [
    `\`${one.type}\``,
    one.gpu,
    one.secondsPerImage.toFixed(1),
    Math.round(one.imagesPerHour).toLocaleString('en'),
    one.usdPerThousand.toFixed(2),
  ]);
  return {
    head: ['machine', 'GPU', 's a picture and GPU', 'pictures an hour, all GPUs busy', 'US$ per 1,000 pictures'],
    rows,
  };
}
