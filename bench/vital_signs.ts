// What may grow in a process that runs for long: as the kernel sees it, and as the gateway's own metrics tell.
import fs from 'node:fs';
import { readMetrics } from '../test/support/metrics-page.js';

export type VitalSigns = Record<string, number>;

/** @param name put before each figure's name */
export function signsOfProcess(pid: number, name: string): VitalSigns {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  const numberOf = (field: string): number => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]);
  return {
    [`${name} resident memory, MB`]: numberOf('VmRSS') / 1024,
    [`${name} threads`]: numberOf('Threads'),
    [`${name} open files`]: fs.readdirSync(`/proc/${pid}/fd`).length,
  };
}

const heapsSize = "gateway heap's whole size, MB";

const gauges: Record<string, { metric: string; per: number }> = {
  'gateway heap in use, MB': { metric: 'nodejs_heap_size_used_bytes', per: 2 ** 20 },
  [heapsSize]: { metric: 'nodejs_heap_size_total_bytes', per: 2 ** 20 },
  'gateway memory outside the heap, MB': { metric: 'nodejs_external_memory_bytes', per: 2 ** 20 },
  // Sockets, timers, requests to the kernel: what keeps the event loop alive.
  'gateway active resources': { metric: 'nodejs_active_resources_total', per: 1 },
  'gateway event loop delay, p99, ms': { metric: 'nodejs_eventloop_lag_p99_seconds', per: 0.001 },
};

/**
 * @param url the page of the gateway's metrics, which tells of the heap and of what keeps the event loop alive
 * @param pid of the same gateway
 */
export async function signsOfGateway(url: string, pid: number): Promise<VitalSigns> {
  const metered = await signsFromMetrics(url);
  const kernel = signsOfProcess(pid, 'gateway');
  // V8 takes room for garbage and gives it back in steps of its own: what would leak is beside it, or in use in it.
  const besideHeap = Number(kernel['gateway resident memory, MB']) - Number(metered[heapsSize]);
  return { ...kernel, 'gateway resident memory without the heap, MB': besideHeap, ...metered };
}

async function signsFromMetrics(url: string): Promise<VitalSigns> {
  const samples = await readMetrics(url);
  return Object.fromEntries(
    Object.entries(gauges).map(([name, { metric, per }]) => {
      const sample = samples.find((one) => one.name === metric);
      if (sample === undefined) throw new Error(`the gateway's metrics tell no ${metric}`);
      return [name, sample.value / per];
    }),
  );
}
