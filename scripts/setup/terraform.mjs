// Terraform with the AWS provider, where the machine has them or their registry can be reached; never installed by us.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { inRoot } from '../paths.mjs';

const dataFolder = inRoot('.cache', 'terraform');
const provider = path.join('registry.terraform.io', 'hashicorp', 'aws');

/** Runs Terraform on the module in deploy/terraform. */
export function terraform(...args) {
  // The machine's own settings may name a mirror that is not there; which plugins are used was settled by `init`.
  const { TF_CLI_CONFIG_FILE: _, ...env } = process.env;
  return spawnSync('terraform', [`-chdir=${inRoot('deploy', 'terraform')}`, ...args], {
    encoding: 'utf8',
    env: { ...env, TF_DATA_DIR: dataFolder, TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' },
  });
}

/** @returns why the module cannot be checked here; undefined when it can */
export function whyNoTerraform() {
  if (spawnSync('terraform', ['version']).status !== 0) return 'Terraform is not installed';
  const mirror = folderOfPlugins();
  const { status, stdout, stderr } = terraform(
    'init',
    '-no-color',
    '-input=false',
    '-backend=false',
    ...(mirror ? [`-plugin-dir=${mirror}`] : []),
  );
  if (status === 0) return undefined;
  const reason = `${stdout}${stderr}`.split('\n').find((line) => line.includes('Error:'));
  return `Terraform could not get its AWS provider (${reason?.trim() ?? `exit code ${status}`})`;
}

/** A folder of plugins that somebody has laid down: where Terraform looks by itself, or below /opt. */
function folderOfPlugins() {
  const below = (folder) =>
    fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => path.join(folder, name)) : [];
  const places = [
    process.env.TERRAFORM_PLUGIN_DIR,
    path.join(os.homedir(), '.terraform.d', 'plugins'),
    ...['/usr/local/share', '/usr/share'].map((folder) => path.join(folder, 'terraform', 'plugins')),
    ...below('/opt'),
  ].filter(Boolean);
  return places.find((place) => fs.existsSync(path.join(place, provider)));
}
