// A real S3 server for the tests: versitygw, built from the Go module proxy where Go is present.
import fs from 'node:fs';
import { ensureGoTool, goToolPath } from './go-tool.mjs';

const versitygw = {
  name: 'versitygw',
  version: 'v1.8.0',
  package: 'github.com/versity/versitygw/cmd/versitygw',
  purpose: 'S3 server for the tests',
};
export const s3Server = goToolPath(versitygw);

/** Without Go the tests that need the server are skipped, and say so. */
export async function ensureS3Server() {
  await ensureGoTool(versitygw);
  if (!fs.existsSync(s3Server)) {
    console.log(
      '  - S3 server for the tests (versitygw): skipped, Go is not installed; the tests against a real S3 server will be skipped',
    );
  }
}
