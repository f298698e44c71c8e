/** The longest that `Prefer: wait` waits, seconds: the callers' own patience ends at 120. */
export const longestWaitSeconds = 110;

/** What a caller prefers to waiting for as long as we do, by the `Prefer` header (RFC 7240). */
export interface Preference {
  /** `respond-async`: answer without the picture, at once or after `waitSeconds`. */
  isAsync: boolean;
  /** `wait=N`, capped. */
  waitSeconds?: number;
}

/** Preferences that are unknown or malformed are ignored, as the standard asks; of a repeated one the first counts. */
export function toPreference(header: string | undefined): Preference {
  const given = new Map<string, string>();
  for (const item of (header ?? '').split(',')) {
    const [, name = '', value = ''] = /^\s*([^\s=;]+)\s*(?:=\s*"?([^";]*?)"?\s*)?(?:;.*)?$/.exec(item) ?? [];
    if (name !== '' && !given.has(name.toLowerCase())) given.set(name.toLowerCase(), value);
  }
  const wait = given.get('wait');
  return {
    isAsync: given.has('respond-async'),
    ...(wait !== undefined && /^\d{1,9}$/.test(wait) && { waitSeconds: Math.min(Number(wait), longestWaitSeconds) }),
  };
}

/** `Preference-Applied` of the reply; undefined: nothing was preferred. */
export function preferenceApplied({ isAsync, waitSeconds }: Preference, isFinished: boolean): string | undefined {
  const applied = [
    ...(isAsync && !isFinished ? ['respond-async'] : []),
    ...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
  ];
  return applied.length === 0 ? undefined : applied.join(', ');
}
