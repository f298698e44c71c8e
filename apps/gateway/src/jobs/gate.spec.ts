import { expect, it } from 'vitest';
import { Gate } from './gate.js';

it('lets no more through than its width, in order, and goes on after failures', async () => {
  const gate = new Gate(2);
  const entered: number[] = [];
  let inside = 0;
  let most = 0;
  const work = async (number: number): Promise<number> => {
    entered.push(number);
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
    if (number % 3 === 0) throw new Error(`no ${number}`);
    return number;
  };
  const numbers = Array.from({ length: 10 }, (_, number) => number);
  const results = await Promise.allSettled(numbers.map((number) => gate.pass(() => work(number))));
  expect(most).toBe(2);
  expect(entered).toEqual(numbers);
  expect(results.map(({ status }) => status === 'rejected')).toEqual(numbers.map((number) => number % 3 === 0));
});
