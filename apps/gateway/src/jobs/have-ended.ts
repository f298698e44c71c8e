/** Have all of them ended before the time is over? Resolves as soon as that is known. */
export async function haveEnded(endings: readonly Promise<void>[], withinMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeOver = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs);
  });
  const allEnded = Promise.all(endings).then(() => true);
  const isInTime = await Promise.race([allEnded, timeOver]);
  clearTimeout(timer);
  return isInTime;
}
