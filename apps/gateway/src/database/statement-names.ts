import { createHash } from 'node:crypto';

/** More than we have. A server keeps a named statement as long as the connection lives. */
const mostNames = 256;

/**
 * Names for statements, so that a connection's server parses each once and plans it a few times: of a call to the job
 * path's statements that is the larger part. What is beyond a bound has none, and is parsed each time.
 */
export class StatementNames {
  private readonly known = new Map<string, string>();

  /** @returns for node-postgres' `name`; undefined: the statement has none */
  of(sql: string): string | undefined {
    const known = this.known.get(sql);
    if (known !== undefined || this.known.size >= mostNames) return known;
    // Of the text, not of its number: whatever sits between us and the server then knows what is the same.
    const name = createHash('sha256').update(sql).digest('hex').slice(0, 40);
    this.known.set(sql, name);
    return name;
  }
}
