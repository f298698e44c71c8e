// Every benchmark that needs no GPU, one after the other, and one table of them all. `npm run bench -- b1 b4` runs some.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { inRoot, node24, pythonTool } from '../paths.mjs';
import { CommandFailed, exitCode } from '../progress.mjs';
import { ensureBenchPackages } from '../setup/bench-packages.mjs';
import { ensureS3Server } from '../setup/s3-server.mjs';
import { setUpTests } from '../setup/setup.mjs';

const python = (module) => ({ command: pythonTool('python'), args: ['-m', `bench.${module}`] });
const typescript = (file) => ({
  command: node24,
  args: ['--import', './test/support/run-typescript.mjs', `bench/${file}.ts`],
});

const benches = {
  b1: python('b1_concurrent'),
  b2: python('b2_single'),
  b3: python('b3_operations'),
  b4: typescript('b4_gateway'),
  b5: python('b5_png'),
  b6: typescript('b6_job_path'),
  b7: python('b7_cold_start'),
  load: typescript('guide_load'),
};

export default async function bench(names) {
  const unknown = names.filter((name) => !Object.hasOwn(benches, name));
  if (unknown.length > 0)
    throw new CommandFailed(`no such benchmark: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`);
  await setUpTests();
  await ensureS3Server();
  await ensureBenchPackages();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'illustration-bench-'));
  const rows = path.join(folder, 'rows.jsonl');
  fs.writeFileSync(rows, '');
  Object.assign(process.env, { OMP_NUM_THREADS: '1', BENCH_ROWS: rows, PYTHONPATH: inRoot() });
  const failed = [];
  for (const [name, { command, args }] of Object.entries(benches)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`\n== ${name}`);
    // A goal that was missed is a row; a benchmark that broke is told at the end.
    if ((await exitCode(command, args, { cwd: inRoot() })) !== 0) failed.push(name);
  }
  console.log(tableOf(fs.readFileSync(rows, 'utf8').split('\n').filter(Boolean).map(JSON.parse)));
  fs.rmSync(folder, { recursive: true });
  if (failed.length > 0) throw new CommandFailed(`did not run to the end: ${failed.join(', ')}.`);
  return 0;
}

function tableOf(rows) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: inRoot(), encoding: 'utf8' }).trim();
  const cpu = os.cpus();
  const where = `${new Date().toISOString().slice(0, 10)}, commit ${commit}, ${cpu.length} x ${cpu[0]?.model ?? 'CPU'}, load ${os.loadavg()[0].toFixed(1)}`;
  const lines = rows.map(({ id, what, baseline, ours, ratio, goal, verdict }) =>
    ['', id, what, baseline, ours, ratio, goal, verdict, ''].join(' | ').trim(),
  );
  return [
    `\n${where}; medians, ranges in brackets\n`,
    '| id | what | baseline | ours | ratio | goal | |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}
