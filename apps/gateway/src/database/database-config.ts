/** Which database: `DATABASE_URL`, else the embedded one in a folder of `DATA_DIR`. */
export abstract class DatabaseConfig {
  /** `postgres://...`; undefined: the embedded database. */
  abstract readonly url: string | undefined;
  /** Absolute path of the embedded database's folder. */
  abstract readonly folder: string;
}
