// What really lies in an object store: SHA-256 of every result, by its `s3://` address.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { S3Server } from './s3-server.js';

const prefix = 'generated';

export function resultsInFolder(objects: string): Map<string, string> {
  const generated = path.join(objects, prefix);
  if (!fs.existsSync(generated)) return new Map();
  const files = fs.readdirSync(generated, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files
      // A hidden file is half a write that a kill has cut: no object, as nobody can name it.
      .filter(({ name }) => !name.startsWith('.'))
      .map(({ parentPath, name }) => {
        const file = path.join(parentPath, name);
        return [`s3://local/${path.relative(objects, file)}`, digestOf(fs.readFileSync(file))];
      }),
  );
}

export async function resultsInBucket(server: S3Server): Promise<Map<string, string>> {
  const results = new Map<string, string>();
  for (const key of await server.keys(`${prefix}/`)) {
    // Left by the gateway's question at boot whether conditional writes are honoured.
    if (key === `${prefix}/write-probe`) continue;
    const uri = `s3://${server.bucket}/${key}`;
    results.set(uri, digestOf((await server.get(uri)).body));
  }
  return results;
}

function digestOf(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex');
}
