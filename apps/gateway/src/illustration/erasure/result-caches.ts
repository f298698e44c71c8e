/** Caches that may hold pictures, or what was made of prompts, of a user. Erasing asks them to let go. */
export abstract class ResultCaches {
  /** @returns how many entries were removed */
  abstract erase(tenant: string, userId: string): Promise<number>;
}

/** While nothing is cached. */
export class NoResultCaches extends ResultCaches {
  erase(): Promise<number> {
    return Promise.resolve(0);
  }
}
