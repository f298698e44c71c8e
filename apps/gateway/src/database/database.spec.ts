import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backends, type StartedBackend } from '../../../../test/support/job-path.js';
import { PostgresServer } from '../../../../test/support/postgres-server.js';
import { migrate, type Migration } from './migrate.js';
import { openDatabase } from './open-database.js';

// What the rest of the gateway may expect of a database, on both.
for (const { name, isAvailable, start } of backends) {
  describe.skipIf(!isAvailable)(`the database on ${name}`, () => {
    let backend: StartedBackend;
    const query = <Row extends object>(sql: string): Promise<Row[]> => backend.database.query<Row>(sql);

    beforeAll(async () => {
      backend = await start();
      await query('CREATE TABLE illustration.things (name text PRIMARY KEY)');
    }, 60_000);
    afterAll(() => backend.stop());

    it('commits what a transaction did, or nothing of it', async () => {
      const { database } = backend;
      const insert = (thing: string, fault?: Error) =>
        database.transaction(async (tx) => {
          await tx.query('INSERT INTO illustration.things VALUES ($1)', [thing]);
          if (fault !== undefined) throw fault;
          return thing;
        });
      expect(await insert('kept')).toBe('kept');
      await expect(insert('dropped', new Error('no'))).rejects.toThrow('no');
      await expect(insert('kept')).rejects.toMatchObject({ code: '23505' });
      expect(await query('SELECT name FROM illustration.things')).toEqual([{ name: 'kept' }]);
    });

    it('runs a transaction again that lost a conflict', async () => {
      let attempts = 0;
      const result = await backend.database.transaction(async (tx) => {
        attempts += 1;
        if (attempts < 3) await tx.script(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$`);
        return attempts;
      });
      expect(result).toBe(3);
    });

    it('tells who listens, after the commit and not of what was rolled back', async () => {
      const heard: string[] = [];
      const listening = await backend.database.listen(
        'a_channel',
        (payload) => heard.push(payload),
        () => undefined,
      );
      const notify = (payload: string, fault?: Error) =>
        backend.database.transaction(async (tx) => {
          await tx.query(`SELECT pg_notify('a_channel', $1)`, [payload]);
          if (fault !== undefined) throw fault;
        });
      await expect(notify('rolled back', new Error('no'))).rejects.toThrow('no');
      await notify('one');
      await notify('two');
      await expect.poll(() => heard).toEqual(['one', 'two']);
      await listening.close();
    });

    it('gives counts, times and JSON as JavaScript has them', async () => {
      const [row] = await query(`SELECT count(*)::int AS n, now() AS t, '{"a":[1]}'::jsonb AS j, ARRAY['x'] AS a`);
      expect(row).toEqual({ n: 1, t: expect.any(Date), j: { a: [1] }, a: ['x'] });
    });

    it('takes values of every type that is written', async () => {
      const sql = `SELECT $1::int AS n, $2::timestamptz AS t, $3::text[] AS a, $4::bytea AS b, $5::text::jsonb AS j,
        $6::boolean AS f, $7::float8 AS x, $8::text AS nothing`;
      const t = new Date('2026-02-03T04:05:06.789Z');
      const values = [7, t, ['x', 'it\'s "y"'], Buffer.from([0, 255]), '{"a":[1]}', false, 0.25, null];
      // More often than it takes for a plan to be kept.
      for (let time = 0; time < 8; time += 1) {
        const [row] = await backend.database.query<{ b: Uint8Array }>(sql, values);
        expect({ ...row, b: [...(row?.b ?? [])] }).toEqual({
          n: 7,
          t,
          a: ['x', 'it\'s "y"'],
          b: [0, 255],
          j: { a: [1] },
          f: false,
          x: 0.25,
          nothing: null,
        });
      }
    });

    it('runs a statement again after it failed, and after its table was changed', async () => {
      const count = (least: string) =>
        backend.database.query<{ n: number }>(
          'SELECT count(*)::int AS n, 10 / length($1) AS q FROM illustration.things WHERE name >= $1',
          [least],
        );
      expect(await count('a')).toEqual([{ n: 1, q: 10 }]);
      await expect(count('')).rejects.toMatchObject({ code: '22012' });
      await expect(
        backend.database.transaction(async (tx) => {
          await tx.query('SELECT 1 / $1::int', [0]).catch(() => undefined);
          return tx.query('SELECT 1 AS late');
        }),
      ).rejects.toMatchObject({ code: '25P02' });
      await query('ALTER TABLE illustration.things ADD COLUMN size int');
      expect(await count('a')).toEqual([{ n: 1, q: 10 }]);
      await query('ALTER TABLE illustration.things DROP COLUMN size');
      expect(await count('z')).toEqual([{ n: 0, q: 10 }]);
    });

    it('applies each step of the schema once, in order', async () => {
      const steps: Migration[] = [7, 8].map((version) => ({
        version,
        name: `step ${version}`,
        sql: `CREATE TABLE illustration.step_${version} ()`,
      }));
      await migrate(backend.database, steps.slice(0, 1));
      await Promise.all([migrate(backend.database, steps), migrate(backend.database, steps)]);
      const applied = await query('SELECT version, name FROM illustration.migrations ORDER BY version');
      expect(applied).toEqual([
        { version: 1, name: 'jobs' },
        { version: 2, name: 'unfinished-pictures' },
        { version: 3, name: 'leftovers' },
        { version: 4, name: 'retention' },
        { version: 5, name: 'trace-context' },
        { version: 6, name: 'usage' },
        { version: 7, name: 'step 7' },
        { version: 8, name: 'step 8' },
      ]);
    });

    it('leaves nothing of a step that failed', async () => {
      const faulty: Migration = { version: 9, name: 'faulty', sql: 'CREATE TABLE illustration.half (); SELECT 1 / 0' };
      await expect(migrate(backend.database, [faulty])).rejects.toThrow('division by zero');
      expect(await query(`SELECT to_regclass('illustration.half') AS half`)).toEqual([{ half: null }]);
    });
  });
}

describe.skipIf(!backends.every(({ isAvailable }) => isAvailable))('a PostgreSQL server', () => {
  it('is set up once by gateways that start together', async () => {
    const server = await PostgresServer.start();
    const url = await server.createDatabase('together');
    const databases = await Promise.all([1, 2, 3].map(() => openDatabase({ url, folder: '' })));
    expect(await databases[0]?.query('SELECT version FROM illustration.migrations')).toEqual([
      { version: 1 },
      { version: 2 },
      { version: 3 },
      { version: 4 },
      { version: 5 },
      { version: 6 },
    ]);
    await Promise.all(databases.map((database) => database.close()));
    await server.stop();
  }, 30_000);

  it('that does not answer is a failure callers may try again', async () => {
    const opening = openDatabase({ url: 'postgres://postgres@127.0.0.1:9/postgres', folder: '' });
    await expect(opening).rejects.toMatchObject({ reason: 'storage-unavailable' });
  });
});
