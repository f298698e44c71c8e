/** One line of a page in Prometheus' text format. */
export interface Sample {
  name: string;
  /** The metric that the line belongs to: without `_bucket`, `_sum`, `_count` of a histogram. */
  family: string;
  labels: Record<string, string>;
  value: number;
}

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;

export async function readMetrics(url: string): Promise<Sample[]> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return samplesIn(await response.text());
}

export function samplesIn(text: string): Sample[] {
  let family = '';
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    family = /^# TYPE (\S+)/.exec(line)?.[1] ?? family;
    const [, name, labels = '', value] = sample.exec(line) ?? [];
    if (name !== undefined) samples.push({ name, family, labels: labelsIn(labels), value: Number(value) });
  }
  return samples;
}

function labelsIn(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name, value]));
}
