// How many pods a scale test on one machine has, round after round.

const mostPods = 32;

/**
 * Doubles from one pod to two for each core: there the cores have ended, whatever a pod costs. At least 1 and 2, so that there
 * is something to compare; at most 32.
 * @param {number} cores cores that this process may use
 * @returns {number[]}
 */
export function podNumbers(cores) {
  const numbers = [1, 2];
  for (let next = 4; next <= Math.min(2 * cores, mostPods); next *= 2) numbers.push(next);
  return numbers;
}
