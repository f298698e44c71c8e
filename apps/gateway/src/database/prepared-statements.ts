import type { PGlite } from '@electric-sql/pglite';

/** More than we have; whatever is beyond that is parsed each time. */
const mostStatements = 256;
/** Plans are for tables of the size they had: nobody analyses the embedded ones, so plans are made anew now and then. */
const runsOfPlans = 1000;

type Library = Pick<typeof import('@electric-sql/pglite'), 'parse' | 'protocol'>;

interface Statement {
  name: string;
  /** Types of the parameters, by PostgreSQL's numbers. */
  parameterTypes: number[];
}

/**
 * Statements of the embedded database, parsed and planned once. `PGlite.query` does that at each call, in six exchanges
 * with the WebAssembly; here a call is one exchange. Measured: a quarter of the CPU time for a statement of the job path.
 */
export class PreparedStatements {
  private readonly known = new Map<string, Statement>();
  private runs = 0;

  constructor(
    private readonly pglite: PGlite,
    private readonly library: Library,
  ) {}

  /** Runs one statement, within the transaction that is open. @throws DatabaseError of the database, with its `code` */
  run<Row extends object>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    const { parse, protocol } = this.library;
    return this.pglite.runExclusive(async () => {
      this.runs += 1;
      if (this.runs % runsOfPlans === 0) await this.exchange([protocol.serialize.query('DISCARD PLANS')]);
      const { name, parameterTypes } = this.known.get(sql) ?? (await this.prepare(sql));
      const bound = values.map((value, at) => this.serialized(value, parameterTypes[at]));
      const messages = await this.exchange([
        protocol.serialize.bind({ statement: name, values: bound }),
        protocol.serialize.describe({ type: 'P' }),
        protocol.serialize.execute({}),
      ]);
      const [result] = parse.parseResults(messages, this.pglite.parsers);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a row is, only the statement's author knows
      return (result?.rows ?? []) as Row[];
    });
  }

  private async prepare(sql: string): Promise<Statement> {
    const { parse, protocol } = this.library;
    const isKept = this.known.size < mostStatements;
    // Without a name it is forgotten at the next one.
    const name = isKept ? `prepared_${this.known.size}` : '';
    const messages = await this.exchange([
      protocol.serialize.parse({ name, text: sql }),
      protocol.serialize.describe({ type: 'S', name }),
    ]);
    const statement = { name, parameterTypes: parse.parseDescribeStatementResults(messages) };
    if (isKept) this.known.set(sql, statement);
    return statement;
  }

  /** After an error the database skips what follows, up to the end of the exchange. */
  private exchange(messages: Uint8Array[]): ReturnType<PGlite['execProtocolStream']> {
    const whole = Buffer.concat([...messages, this.library.protocol.serialize.sync()]);
    return this.pglite.execProtocolStream(whole, { syncToFs: false });
  }

  private serialized(value: unknown, type: number | undefined): string | null {
    if (value === null || value === undefined) return null;
    const serialize = type === undefined ? undefined : this.pglite.serializers[type];
    // oxlint-disable-next-line typescript/no-base-to-string -- types of objects have a serializer
    return serialize === undefined ? String(value) : serialize(value);
  }
}
