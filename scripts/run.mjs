// The one door: `npm run demo`, `npm start`, `npm test`, `npm run check`, ... all come through here.
// No dependencies: this runs before anything is installed, on whatever Node the machine has (18 or newer); what it
// starts runs on Node 24 from node_modules and on the Python environment under worker-python/.venv.
import process from 'node:process';
import { CommandFailed, printFailure } from './progress.mjs';

const commands = {
  setup: 'install and build whatever is missing, and nothing else',
  demo: 'draw one memory from a real photo and print where the picture is',
  start: 'serve on http://127.0.0.1:8000',
  redrive: 'draw failed jobs again: the ids of jobs, or --all',
  keys: 'make, list and revoke API keys',
  test: 'every test',
  faults: 'the long form of the fault tests: hundreds of kills, no job lost',
  bench: 'every benchmark that needs no GPU, and one table of them',
  'scale-test': 'pictures a second with 1, 2, 4, ... gateways and workers on one database and one S3 server',
  fuzz: 'requests, pictures and LoRAs that nobody thought of, for two minutes',
  sbom: 'list every package that runs, with version, licence and digest',
  check: 'formatting, lint, types, layers, contract, containers, docs',
  proto: 'generate code from proto/ for both languages',
  build: 'compile the gateway into dist/',
  docs: 'rewrite the generated parts of the documentation',
};

const name = process.argv[2];
if (!Object.hasOwn(commands, name ?? '')) {
  const width = Math.max(...Object.keys(commands).map((key) => key.length));
  console.error('usage: npm run <command>');
  for (const [key, what] of Object.entries(commands)) console.error(`  ${key.padEnd(width)}  ${what}`);
  process.exit(2);
}
if (Number(process.versions.node.split('.')[0]) < 18) {
  printFailure(`Node ${process.versions.node} is too old to start from: install Node 18 or newer, then try again.`);
  process.exit(1);
}

try {
  const { default: command } = await import(`./commands/${name}.mjs`);
  process.exitCode = await command(process.argv.slice(3));
} catch (error) {
  if (!(error instanceof CommandFailed)) throw error;
  printFailure(error.message);
  process.exitCode = 1;
}
