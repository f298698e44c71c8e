import { canary } from '../../../scripts/privacy/canary.mjs';
import { type BadInput, field, malformed } from './bad-input.js';

const memory = `"user_id": "ada", "prompt": "the lake ${canary}"`;
const deep = (open: string, close: string, levels: number): string => open.repeat(levels) + close.repeat(levels);

const notJson: BadInput[] = [
  malformed('half a body', '{"user_id": "ada"'),
  malformed('a body that is no JSON', 'user_id=ada'),
  malformed('a body of blanks', '   '),
  malformed('a trailing comma', `{${memory},}`),
  malformed('single quotes', "{'user_id': 'ada'}"),
  malformed('a comment', `{${memory} /* none */}`),
  malformed('two bodies', `{${memory}}{${memory}}`),
  malformed('NaN', `{${memory}, "guidance_scale": NaN}`),
  malformed('Infinity', `{${memory}, "guidance_scale": Infinity}`),
  malformed('a hexadecimal number', `{${memory}, "seed": 0x10}`),
  malformed('a leading zero', `{${memory}, "seed": 007}`),
  malformed('a raw line feed in a text', '{"user_id": "ada", "prompt": "the\nlake"}'),
  malformed('a bad escape', '{"user_id": "ada", "prompt": "\\x41"}'),
  malformed('a key twice', `{${memory}, "prompt": "the sea"}`),
  malformed('a key twice, once escaped', `{${memory}, "pr\\u006fmpt": "the sea"}`),
  malformed('a key twice below', `{${memory}, "people": [{"user_id": "a", "user_id": "b"}]}`),
  malformed('bytes that are no UTF-8', Buffer.from('{"user_id": "ada", "prompt": "\xc3\x28"}', 'latin1')),
  malformed('UTF-16', Buffer.from(`{${memory}}`, 'utf16le')),
  malformed('a byte order mark', Buffer.from(`\ufeff{${memory}}`)),
  malformed(
    'a surrogate in UTF-8',
    Buffer.concat([Buffer.from('{"user_id": "'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
  ),
  malformed(
    'an overlong slash',
    Buffer.concat([Buffer.from('{"user_id": "'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
  ),
  malformed('30,000 lists in lists', deep('[', ']', 30_000)),
  malformed('30,000 lists in a field', `{${memory}, "people": ${deep('[', ']', 30_000)}}`),
  malformed('10,000 objects in objects', `{${memory}, "people": ${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`),
  malformed('33 levels', `{${memory}, "people": ${deep('[', ']', 32)}}`),
  malformed('a number of 30,000 digits with a second point', `{${memory}, "seed": 1.${'1'.repeat(30_000)}.1}`),
];

const otherJson: BadInput[] = [
  { ...field('null', {}), body: 'null' },
  { ...field('a list', {}), body: `[{${memory}}]` },
  { ...field('a text', {}), body: '"ada"' },
  { ...field('a number', {}), body: '1' },
  { ...field('an empty object', {}), body: '{}' },
  { ...field('nothing at all', {}), body: '' },
  { ...field('a number beyond all', {}), body: `{${memory}, "seed": 1e999}` },
  { ...field('a number of 30,000 digits', {}), body: `{${memory}, "seed": ${'9'.repeat(30_000)}}` },
  {
    ...field('5,000 unknown fields', {}),
    body: JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`f${at}`, at]))),
  },
  {
    ...field('10,000 people', {}),
    body: `{${memory}, "people": [${Array.from({ length: 10_000 }, () => '{}').join()}]}`,
  },
];

const tooLarge = (what: string, body: string): BadInput => ({ what, body, status: 413, error: 'payload-too-large' });

const sizes: BadInput[] = [
  tooLarge('a body of 64 kB and a byte', `{${memory}}`.padEnd(64 * 1024 + 1)),
  tooLarge('a body of 5 MB', `{"user_id": "${'x'.repeat(5_000_000)}"}`),
];

const otherType = (what: string, type: string, more: Record<string, string> = {}): BadInput => ({
  what,
  headers: { 'content-type': type, ...more },
  body: `{${memory}}`,
  status: 415,
  error: 'unsupported-media-type',
});

const types: BadInput[] = [
  otherType('a form', 'application/x-www-form-urlencoded'),
  otherType('plain text', 'text/plain'),
  otherType('XML', 'application/xml'),
  otherType('a multipart form', 'multipart/form-data; boundary=x'),
  otherType('JSON in UTF-16', 'application/json; charset=utf-16'),
  otherType('a type that begins like JSON', 'application/jsonp'),
  otherType('a type that is none', 'json'),
  otherType('an unknown encoding', 'application/json', { 'content-encoding': 'zork' }),
  {
    what: 'gzip that is none',
    headers: { 'content-encoding': 'gzip' },
    body: `{${memory}}`,
    status: 400,
    error: 'malformed-request',
  },
];

export const badBodies: BadInput[] = [...notJson, ...otherJson, ...sizes, ...types];
