import type { Duration } from '../../generated/google/protobuf/duration.js';

/** 0 for one that is absent. */
export function milliseconds(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1e3 + duration.nanos / 1e6;
}
