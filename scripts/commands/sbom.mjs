// What this software is made of: a CycloneDX document for each language, in dist/sbom, of the packages that run. Fails
// when one of them has a licence that nobody has allowed.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { childEnvironment, inRoot, pythonTool } from '../paths.mjs';
import { CommandFailed } from '../progress.mjs';
import { setUpTools } from '../setup/setup.mjs';
import { isAllowed, licenceOf } from '../supply-chain/licences.mjs';

const folder = inRoot('dist', 'sbom');
const mebibyte = 1024 * 1024;

export default async function sbom() {
  await setUpTools();
  fs.mkdirSync(folder, { recursive: true });
  const documents = { gateway: nodePackages(), worker: pythonPackages() };
  const refused = [];
  for (const [name, document] of Object.entries(documents)) {
    const file = inRoot('dist', 'sbom', `${name}.cdx.json`);
    fs.writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
    console.log(`${name}: ${document.components.length} packages, ${file}`);
    printLicences(document.components);
    const bad = document.components.filter((component) => !isAllowed(licenceOf(component)));
    refused.push(...bad.map((one) => `${one.name}@${one.version}: ${licenceOf(one)}`));
  }
  if (refused.length > 0) {
    throw new CommandFailed(`licences that are not in scripts/supply-chain/licences.mjs:\n  ${refused.join('\n  ')}`);
  }
  return 0;
}

function nodePackages() {
  return read('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev', '--package-lock-only']);
}

function pythonPackages() {
  const script = inRoot('scripts', 'supply-chain', 'worker-packages.py');
  return read(pythonTool('python'), [script, inRoot('worker-python', 'requirements.lock')]);
}

function read(command, args) {
  const options = { cwd: inRoot(), env: childEnvironment(), encoding: 'utf8', maxBuffer: 64 * mebibyte };
  return JSON.parse(execFileSync(command, args, options));
}

function printLicences(components) {
  const counts = new Map();
  for (const component of components) {
    const licence = licenceOf(component);
    counts.set(licence, (counts.get(licence) ?? 0) + 1);
  }
  for (const [licence, count] of [...counts].sort(([, one], [, other]) => other - one)) {
    console.log(`  ${String(count).padStart(4)}  ${licence}`);
  }
}
