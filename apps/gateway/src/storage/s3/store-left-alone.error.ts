/** The server failed many times in a row and is not asked now. */
export class StoreLeftAloneError extends Error {
  override readonly name = 'StoreLeftAloneError';

  /** @param retryAfterSeconds when it is asked again, at the latest */
  constructor(readonly retryAfterSeconds: number) {
    super('the object store is left alone for a while');
  }
}
