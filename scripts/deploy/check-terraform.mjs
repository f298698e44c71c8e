// Is the Terraform module right? Format, validate, and its tests on a mocked AWS. After `whyNoTerraform` found nothing.
import process from 'node:process';
import { terraform } from '../setup/terraform.mjs';

const steps = [
  ['fmt', '-check', '-recursive', '-diff'],
  ['validate', '-no-color'],
  ['test', '-no-color'],
];
for (const args of steps) {
  const { status, stdout, stderr } = terraform(...args);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  if (status !== 0) process.exitCode = 1;
}
