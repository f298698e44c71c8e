import type { BadInput } from './bad-input.js';

const unknownId = '0197f0c0-0000-7000-8000-000000000000';

const header = (
  what: string,
  headers: Record<string, string>,
  error: BadInput['error'] = 'malformed-request',
): BadInput => ({
  what,
  headers,
  status: error === 'not-acceptable' ? 406 : 400,
  error,
});

const headers: BadInput[] = [
  {
    ...header('a key with a blank', { 'idempotency-key': 'a b' }, 'idempotency-key-invalid'),
    grpc: { illustrate: { requestId: 'a b' } },
  },
  {
    ...header('a key of 256 characters', { 'idempotency-key': 'x'.repeat(256) }, 'idempotency-key-invalid'),
    grpc: { illustrate: { requestId: 'x'.repeat(256) } },
  },
  header('a key of half a quote', { 'idempotency-key': '"abc' }, 'idempotency-key-invalid'),
  header('an empty quoted key', { 'idempotency-key': '""' }, 'idempotency-key-invalid'),
  {
    ...header('a key with an accent', { 'idempotency-key': 'cl\u00e9' }, 'idempotency-key-invalid'),
    grpc: { illustrate: { requestId: 'cl\u00e9' } },
  },
  header('a deadline of 0', { 'x-deadline-seconds': '0' }),
  header('a deadline below 0', { 'x-deadline-seconds': '-5' }),
  header('a deadline of more than a day', { 'x-deadline-seconds': '86401' }),
  header('a deadline with a fraction', { 'x-deadline-seconds': '1.5' }),
  header('a deadline that is none', { 'x-deadline-seconds': 'soon' }),
  header('a reply that is no JSON', { accept: 'image/png' }, 'not-acceptable'),
];

const notFound = (what: string, path: string, more: Partial<BadInput> = {}): BadInput => ({
  what,
  method: 'GET',
  path,
  status: 404,
  error: 'not-found',
  ...more,
});

const addresses: BadInput[] = [
  notFound('an unknown address', '/nothing'),
  notFound('an old version', '/v0/jobs'),
  notFound('a job that is not there', `/v1/jobs/${unknownId}`, { grpc: { getJob: unknownId } }),
  notFound('a job that is no id', '/v1/jobs/1', { grpc: { getJob: '1' } }),
  notFound('a job that is SQL', `/v1/jobs/${encodeURIComponent("' OR 1=1--")}`, { grpc: { getJob: "' OR 1=1--" } }),
  notFound('a job that climbs', '/v1/jobs/..%2f..%2fhealth', { grpc: { getJob: '../../health' } }),
  notFound('a job with a null byte', `/v1/jobs/${unknownId}%00`, { grpc: { getJob: `${unknownId}\u0000` } }),
  notFound('events of a job that is not there', `/v1/jobs/${unknownId}/events`),
  notFound('a cancel of a job that is not there', `/v1/jobs/${unknownId}/cancel`, {
    method: 'POST',
    body: '',
    grpc: { cancelJob: unknownId },
  }),
  notFound('an avatar', '/images/avatars/ada.png'),
  notFound('an avatar by a detour', '/images/generated/..%2Favatars%2Fada.png'),
  notFound('a file of the machine', '/images/..%2F..%2F..%2Fetc%2Fpasswd'),
  notFound('a file of the machine, twice escaped', '/images/%252e%252e%252fetc%252fpasswd'),
  notFound('a picture with a null byte', '/images/generated/ada/memory_1.png%00'),
  notFound('a picture that is not there', `/images/generated/ada/memory_${unknownId}.png`),
  notFound('a file of the documentation that is none', '/docs/..%2Fpackage.json'),
  {
    what: 'a path that cannot be decoded',
    method: 'GET',
    path: '/v1/jobs/%FF',
    status: 400,
    error: 'malformed-request',
  },
  { what: 'a path that is cut off', method: 'GET', path: '/v1/jobs/%E0%A4%A', status: 400, error: 'malformed-request' },
];

const method = (name: string, path: string): BadInput => ({
  what: `${name} ${path}`,
  method: name,
  path,
  status: 405,
  error: 'method-not-allowed',
});

const methods: BadInput[] = [
  method('GET', '/v1/images/memory'),
  method('PUT', '/v1/images/subject'),
  method('DELETE', `/v1/jobs/${unknownId}`),
  method('POST', '/v1/jobs'),
  method('POST', '/health'),
  method('PATCH', '/v1/models'),
  method('OPTIONS', '/v1/images/memory'),
  method('GET', '/v1/users/ada/data'),
];

const query = (what: string, path: string, error: BadInput['error'] = 'validation-failed'): BadInput => ({
  what,
  method: 'GET',
  path,
  status: error === 'malformed-request' ? 400 : 422,
  error,
});

const pages: BadInput[] = [
  { ...query('a page of 0', '/v1/jobs?page_size=0'), grpc: { listJobs: { pageSize: 0 } } },
  { ...query('a page of 101', '/v1/jobs?page_size=101'), grpc: { listJobs: { pageSize: 101 } } },
  { ...query('a page below 0', '/v1/jobs?page_size=-1'), grpc: { listJobs: { pageSize: -1 } } },
  query('a page of words', '/v1/jobs?page_size=many'),
  query('two page sizes', '/v1/jobs?page_size=1&page_size=2'),
  query('a page size that is an object', '/v1/jobs?page_size[a]=1'),
  { ...query('an unknown state', '/v1/jobs?state=lost'), grpc: { listJobs: { state: 99 as never } } },
  query('two states', '/v1/jobs?state=queued&state=failed'),
  query('an unknown field of a query', '/v1/jobs?tenant=acme'),
  query('a field of a query called __proto__', '/v1/jobs?__proto__=1'),
  query('two tokens', '/v1/jobs?page_token=a&page_token=b'),
  {
    ...query('a token that no page gave', '/v1/jobs?page_token=bm8', 'malformed-request'),
    grpc: { listJobs: { pageToken: 'bm8' } },
  },
  {
    ...query('an event that is none', `/v1/jobs/${unknownId}/events`, 'malformed-request'),
    headers: { 'last-event-id': 'first' },
  },
  query('an event of a query that is none', `/v1/jobs/${unknownId}/events?last_event_id=-1`),
];

const users: BadInput[] = ['a..b', '.ada', 'ada lovelace', '-ada', 'x'.repeat(129)].map((user) => ({
  what: `erasing the user ${user.slice(0, 12)}`,
  method: 'DELETE',
  path: `/v1/users/${encodeURIComponent(user)}/data`,
  status: 422,
  error: 'validation-failed',
  grpc: { eraseUserData: user },
}));

export const badCalls: BadInput[] = [...headers, ...addresses, ...methods, ...pages, ...users];
