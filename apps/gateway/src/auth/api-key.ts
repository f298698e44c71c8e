import { createHash, randomBytes } from 'node:crypto';

const form = /^autobio_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;

/** A new key: what its owner sends, and what the file keeps of it. */
export function makeApiKey(): { key: string; id: string; sha256: string } {
  const id = randomBytes(6).toString('hex');
  // 256 random bits: a plain digest of them cannot be searched, as one of a password could.
  const key = `autobio_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, id, sha256: sha256(key).toString('hex') };
}

/** The id in a key; undefined: it is none of ours. */
export function idOfApiKey(key: string): string | undefined {
  return form.exec(key)?.[1];
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
