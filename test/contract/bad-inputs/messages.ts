import type { BadInput } from './bad-input.js';

/** HTTP that no client would send, and that two servers in a row could read differently. */
const bad = (what: string, raw: string | Buffer): BadInput => ({ what, raw, status: 400, error: 'malformed-request' });

const head = 'POST /v1/images/memory HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

export const badMessages: BadInput[] = [
  bad('what is no HTTP', 'hello\r\n\r\n'),
  bad('a TLS greeting', Buffer.from('16030100c8010000c4030354', 'hex')),
  bad('an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  bad('no Host', 'GET /v1/jobs HTTP/1.1\r\n\r\n'),
  bad('two Hosts', 'GET /v1/jobs HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n'),
  bad('a tunnel to somebody else', 'CONNECT somebody.example:443 HTTP/1.1\r\nHost: somebody.example:443\r\n\r\n'),
  bad('an unknown method', 'BREW /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n'),
  bad('an unknown version', 'GET / HTTP/9.9\r\nHost: x\r\n\r\n'),
  bad('two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`),
  bad('a length and chunks', `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  bad('a length that is none', `${head}Content-Length: two\r\n\r\n{}`),
  bad('a length below 0', `${head}Content-Length: -1\r\n\r\n{}`),
  bad('a length beyond all', `${head}Content-Length: 99999999999999999999\r\n\r\n{}`),
  bad('chunks of no size', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`),
  bad('an unknown transfer encoding', `${head}Transfer-Encoding: zork\r\n\r\n{}`),
  bad('a blank before the colon', 'GET /v1/jobs HTTP/1.1\r\nHost : x\r\n\r\n'),
  bad('a folded header', 'GET /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Long: a\r\n b\r\n\r\n'),
  bad('a null byte in a header', 'GET /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Odd: a\u0000b\r\n\r\n'),
  bad('a header without a name', 'GET /v1/jobs HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n'),
  {
    what: 'headers of 20 kB',
    raw: `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`,
    status: 431,
    error: 'headers-too-large',
  },
  {
    what: 'an address of 20 kB',
    raw: `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    status: 431,
    error: 'headers-too-large',
  },
  {
    what: 'a thousand headers',
    raw: `GET / HTTP/1.1\r\nHost: x\r\n${'X-Many: 0123456789\r\n'.repeat(1000)}\r\n`,
    status: 431,
    error: 'headers-too-large',
  },
];
