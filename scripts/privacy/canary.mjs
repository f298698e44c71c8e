// A word that the tests put into every prompt, token, key and photo they hand to the service, and that no log may repeat.
import fs from 'node:fs';
import path from 'node:path';

/** In no name, path or sentence of ours: wherever it turns up, something of a caller's was written down. */
export const canary = 'kanarienvogel';

/** However a log could have written it down: as it is, as hexadecimal, inside of base64. */
const forms = [
  { as: 'text', pattern: canary },
  { as: 'hexadecimal', pattern: Buffer.from(canary).toString('hex') },
  // Base64 of a word inside of others depends on where it begins: of each of the three, what the word alone decides.
  ...[0, 1, 2].map((shift) => ({ as: 'base64', pattern: innerBase64(shift) })),
];

function innerBase64(shift) {
  const encoded = Buffer.concat([Buffer.alloc(shift), Buffer.from(canary)]).toString('base64url');
  const isWhole = (shift + canary.length) % 3 === 0;
  return encoded.slice(shift === 0 ? 0 : shift + 1, isWhole ? undefined : -1);
}

/**
 * @param {string} text
 * @returns {{line: number, as: string}[]} where the canary is, lines from 1
 */
export function leaksIn(text) {
  return text.split('\n').flatMap((content, index) => {
    const line = content.toLowerCase();
    const found = forms.find(({ as, pattern }) => (as === 'base64' ? content : line).includes(pattern));
    return found === undefined ? [] : [{ line: index + 1, as: found.as }];
  });
}

/**
 * Reads every file of a folder.
 * @param {string} folder
 * @returns {{files: number, lines: number, leaks: string[]}} leaks as `FILE:LINE: ...`, never with what the line says
 */
export function scanLogs(folder) {
  const files = fs.readdirSync(folder).map((name) => path.join(folder, name));
  let lines = 0;
  const leaks = files.flatMap((file) => {
    const text = fs.readFileSync(file, 'utf8');
    lines += text.split('\n').length - 1;
    return leaksIn(text).map(({ line, as }) => `${file}:${line}: a caller's words, as ${as}`);
  });
  return { files: files.length, lines, leaks };
}
