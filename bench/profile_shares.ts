// Whose time, and whose memory: V8's profiles summed up by package and by function.
import path from 'node:path';

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
}

export interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame }[];
  samples: number[];
  timeDeltas: number[];
}

export interface AllocationNode {
  callFrame: CallFrame;
  selfSize: number;
  children: AllocationNode[];
}

/** Microseconds or bytes, each charged to the frame that was on top. */
export interface Cost {
  frame: CallFrame;
  amount: number;
}

/** Time in which nothing ran is left out. */
export function costsOfTime({ nodes, samples, timeDeltas }: CpuProfile): Cost[] {
  const amounts = new Map<number, number>();
  samples.forEach((id, at) => amounts.set(id, (amounts.get(id) ?? 0) + (timeDeltas[at] ?? 0)));
  return nodes
    .filter(({ callFrame }) => callFrame.functionName !== '(idle)')
    .map(({ id, callFrame }) => ({ frame: callFrame, amount: amounts.get(id) ?? 0 }));
}

export function costsOfAllocations(head: AllocationNode): Cost[] {
  return [{ frame: head.callFrame, amount: head.selfSize }, ...head.children.flatMap(costsOfAllocations)];
}

/** Shares of the whole, largest first, under the names that `nameOf` gives. */
export function shares(costs: readonly Cost[], nameOf: (frame: CallFrame) => string): [name: string, share: number][] {
  const whole = costs.reduce((total, { amount }) => total + amount, 0);
  const sums = new Map<string, number>();
  for (const { frame, amount } of costs) sums.set(nameOf(frame), (sums.get(nameOf(frame)) ?? 0) + amount / whole);
  return [...sums].toSorted(([, one], [, other]) => other - one);
}

/** The package a function is from; `gateway` for our own code, `node` for Node's, and V8's own names in brackets. */
export function packageOf({ functionName, url }: CallFrame): string {
  if (functionName.startsWith('(')) return functionName;
  if (url.startsWith('wasm:')) return 'WebAssembly';
  if (url === '' || url.startsWith('node:')) return 'node';
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? 'gateway';
}

export function functionOf(frame: CallFrame): string {
  const where = frame.url === '' ? '' : ` ${path.basename(frame.url)}:${frame.lineNumber + 1}`;
  return `${frame.functionName || '(anonymous)'}${where} [${packageOf(frame)}]`;
}
