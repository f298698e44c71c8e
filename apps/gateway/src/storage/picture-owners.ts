/** Whose pictures lie in the store: a key does not tell. */
export abstract class PictureOwners {
  /**
   * @param resultId as `ObjectKeys.resultIdIn` tells it
   * @returns undefined: its job is forgotten, or was never there
   */
  abstract tenantOf(resultId: string): Promise<string | undefined>;
}
