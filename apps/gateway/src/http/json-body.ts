import { isUtf8 } from 'node:buffer';

import { DomainError } from '../errors/domain-error.js';

/** No field of ours lies deeper than 4; what is done to each level must not be done thousands of times. */
const MAX_DEPTH = 32;

/**
 * Reads a JSON object strictly. `JSON.parse` alone takes the last of two equal keys and body parsers replace bad UTF-8:
 * two readers of one request could then disagree about what it says.
 *
 * @throws DomainError `malformed-request`, or `validation-failed` when it is JSON but not an object.
 */
export function parseJsonObject(bytes: Buffer): Record<string, unknown> {
  if (!isUtf8(bytes)) {
    throw new DomainError('malformed-request', 'The request body is not UTF-8.');
  }
  const text = bytes.toString('utf8');
  const value = parse(text);
  refuseOddStructure(text);
  if (!isObject(value)) {
    const violations = [{ pointer: '', detail: 'The request body must be a JSON object.' }];
    throw new DomainError('validation-failed', 'The request body must be a JSON object.', { violations });
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // The parser's message quotes the body, which may be a prompt.
    throw new DomainError('malformed-request', 'The request body is not JSON.', { cause: nameOf(cause) });
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/** Walks text that is known to be JSON: a string followed by a colon is a key of the innermost object. */
function refuseOddStructure(text: string): void {
  const open: Set<string>[] = [];
  for (const [token, key] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]/g)) {
    if (key !== undefined) {
      refuseDoubleKey(String(JSON.parse(key)), open.at(-1));
    } else if (token === '{' || token === '[') {
      open.push(new Set());
      if (open.length > MAX_DEPTH) throw new DomainError('malformed-request', 'The request body is nested too deeply.');
    } else if (token === '}' || token === ']') {
      open.pop();
    }
  }
}

function refuseDoubleKey(key: string, siblings: Set<string> | undefined): void {
  if (siblings?.has(key)) {
    throw new DomainError('malformed-request', 'The request body has the same key twice in one object.');
  }
  siblings?.add(key);
}
