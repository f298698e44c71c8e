import type { ClientReadableStream, Metadata, ServiceError } from '@grpc/grpc-js';
import { canary } from '../../scripts/privacy/canary.mjs';
import type {
  IllustrateRequest,
  IllustrateResponse,
} from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import type { Job } from '../../apps/gateway/src/generated/autobio/illustration/v1/job.js';
import { IllustrateRequest as Message } from '../../apps/gateway/src/generated/autobio/illustration/v1/illustration.js';
import { BadRequest, ErrorInfo } from '../../apps/gateway/src/generated/google/rpc/error_details.js';
import { Status } from '../../apps/gateway/src/generated/google/rpc/status.js';

/** A memory of Ada's; what is given replaces it. */
export function aMemory(fields: Partial<IllustrateRequest> = {}): IllustrateRequest {
  return Message.fromPartial({ kind: 1, userId: 'ada', prompt: `the lake ${canary}`, ...fields });
}

export interface Told {
  accepted: Job | undefined;
  ended: Job | undefined;
  messages: IllustrateResponse[];
  error: ServiceError | undefined;
}

/** Reads a call to its end. */
export async function toEnd(call: ClientReadableStream<IllustrateResponse>): Promise<Told> {
  const messages: IllustrateResponse[] = [];
  call.on('data', (message: IllustrateResponse) => messages.push(message));
  const error = await new Promise<ServiceError | undefined>((resolve) => {
    call.once('error', resolve);
    call.once('end', () => resolve(undefined));
  });
  const first = messages[0]?.event;
  const last = messages.at(-1)?.event;
  return {
    accepted: first?.$case === 'accepted' ? first.value : undefined,
    ended: last?.$case === 'ended' ? last.value : undefined,
    messages,
    error,
  };
}

/** A unary call as a promise; rejects with the ServiceError. */
export function answerOf<Reply>(
  call: (done: (error: ServiceError | null, reply: Reply) => void) => unknown,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    call((error, reply) => (error === null ? resolve(reply) : reject(error)));
  });
}

/** How a unary call failed. */
export function failureOf(call: (done: (error: ServiceError | null) => void) => unknown): Promise<ServiceError> {
  return new Promise((resolve, reject) => {
    call((error) => (error === null ? reject(new Error('the call succeeded')) : resolve(error)));
  });
}

export interface Details {
  reason: string | undefined;
  domain: string | undefined;
  /** The wrong fields. */
  fields: string[];
}

/** What `grpc-status-details-bin` says. */
export function detailsOf({ metadata }: { metadata: Metadata }): Details {
  const [bytes] = metadata.get('grpc-status-details-bin');
  const details = Buffer.isBuffer(bytes) ? Status.decode(bytes).details : [];
  const valueOf = (name: string) =>
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`)?.value;
  const info = valueOf('ErrorInfo');
  const request = valueOf('BadRequest');
  const { reason, domain } = info === undefined ? { reason: undefined, domain: undefined } : ErrorInfo.decode(info);
  const violations = request === undefined ? [] : BadRequest.decode(request).fieldViolations;
  return { reason, domain, fields: violations.map(({ field }) => field) };
}
