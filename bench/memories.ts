// Asking either arm for memories over REST, and what came of it.
export interface Answer {
  status: number;
  ms: number;
  /** Where the picture lies; the error's text otherwise. */
  text: string;
}

export async function askMemory(url: string, fields: object): Promise<Answer> {
  const begun = performance.now();
  const response = await fetch(`${url}/v1/images/memory`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fields),
  });
  const body = (await response.json()) as { data?: { s3_uri: string }[]; detail?: unknown };
  const text = body.data?.[0]?.s3_uri ?? JSON.stringify(body.detail);
  return { status: response.status, ms: performance.now() - begun, text };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** Median and range of what several rounds gave. */
export function spread(values: readonly number[], digits = 1): string {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} (${low} to ${high})`;
}

/** `64 x 64`, as its header says. */
export function sizeOfPng(png: Buffer): string {
  return `${png.readUInt32BE(16)} x ${png.readUInt32BE(20)}`;
}
