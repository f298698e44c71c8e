import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import type { BadInput } from '../contract/bad-inputs/bad-input.js';
import { withCanary } from './with-canary.js';

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
}

/** Sends one of the corpus. @param headers beside its own */
export function sendBadInput(url: string, input: BadInput, headers: Record<string, string> = {}): Promise<Reply> {
  return input.raw === undefined ? send(url, input, headers) : sendRaw(url, input.raw);
}

async function send(
  url: string,
  { method = 'POST', path = '/v1/images/memory', headers, body = {} }: BadInput,
  more: Record<string, string>,
): Promise<Reply> {
  const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
  const sent = isJson ? JSON.stringify(withCanary({ user_id: 'ada', prompt: 'the lake', ...body })) : body;
  const response = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...more, ...headers },
    ...(method === 'POST' && { body: Buffer.from(sent) as unknown as BodyInit }),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function sendRaw(url: string, message: string | Buffer): Promise<Reply> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(message);
  const reply = await text(socket);
  const [head = '', ...rest] = reply.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => [line.split(': ')[0] ?? '', line.split(': ')[1] ?? '']),
  );
  return { status: Number(statusLine.split(' ')[1]), headers, text: rest.join('\r\n\r\n') };
}
