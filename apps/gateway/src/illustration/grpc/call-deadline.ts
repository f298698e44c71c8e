/** A caller's own clock ends its call some moments before ours would. */
const toleranceMs = 1000;

/** When the caller's patience ends: the deadline of its call, at most `longestMs` from now. */
export function deadlineOf(call: { getDeadline(): Date | number }, longestMs: number): Date {
  return new Date(Math.min(Number(call.getDeadline()), Date.now() + longestMs));
}

/** Has a call that was cancelled about now run out of time, rather than been cancelled by its caller? */
export function isTimeUp(deadline: Date): boolean {
  return Date.now() >= deadline.getTime() - toleranceMs;
}
