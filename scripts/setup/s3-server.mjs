// A real S3 server for the tests: versitygw, built from the Go module proxy where Go is present.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { inRoot } from '../paths.mjs';
import { run, step } from '../progress.mjs';

const version = 'v1.8.0';
const folder = inRoot('.cache', 'tools');
export const s3Server = inRoot('.cache', 'tools', `versitygw-${version}`);

/** Without Go the tests that need the server are skipped, and say so. */
export async function ensureS3Server() {
  if (fs.existsSync(s3Server)) return;
  if (spawnSync('go', ['version']).status !== 0) {
    console.log(
      '  - S3 server for the tests (versitygw): skipped, Go is not installed; the tests against a real S3 server will be skipped',
    );
    return;
  }
  await step(`S3 server for the tests (versitygw ${version}, built with Go)`, async () => {
    await run('versitygw', 'env', [
      `GOBIN=${folder}`,
      'go',
      'install',
      `github.com/versity/versitygw/cmd/versitygw@${version}`,
    ]);
    fs.renameSync(inRoot('.cache', 'tools', 'versitygw'), s3Server);
  });
}
