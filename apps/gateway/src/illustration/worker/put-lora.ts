import { once } from 'node:events';

import type { ClientWritableStream } from '@grpc/grpc-js';

import { DomainError } from '../../errors/domain-error.js';
import type { PutLoraRequest, PutLoraResponse } from '../../generated/autobio/worker/v1/model.js';
import type { WorkerServiceClient } from '../../generated/autobio/worker/v1/worker.js';
import type { LoraFile } from '../domain/lora-file.js';
import { whyAborted } from '../domain/why-aborted.js';
import { inPieces } from './lora-pieces.js';
import { workerFailure } from './worker-errors.js';

/** The contract's largest. A stream holds at most 16 of them, so a LoRA takes at most 8 MiB of memory here. */
const pieceBytes = 512 * 1024;

/** What `put` needs of the worker. */
export type LoraTaker = Pick<WorkerServiceClient, 'putLora'>;

/**
 * Sends the file, as fast as the worker takes it.
 *
 * @param onSent called after each piece
 * @throws DomainError `lora-invalid`, `storage-unavailable`, `worker-unavailable` and others of `workerFailure`
 */
export async function putLora(
  worker: LoraTaker,
  file: LoraFile,
  { signal, onSent }: { signal: AbortSignal; onSent: (bytes: number) => void },
): Promise<void> {
  const { call, replied } = open(worker);
  const cancel = (): void => call.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    signal.throwIfAborted();
    await send({ call, replied }, file, { signal, onSent });
    call.end();
    await replied;
  } catch (error) {
    throw signal.aborted ? whyAborted(signal) : workerFailure(error);
  } finally {
    signal.removeEventListener('abort', cancel);
    cancel();
  }
}

interface Handover {
  call: ClientWritableStream<PutLoraRequest>;
  replied: Promise<PutLoraResponse>;
}

function open(worker: LoraTaker): Handover {
  const { promise: replied, resolve, reject } = Promise.withResolvers<PutLoraResponse>();
  const call = worker.putLora((error, response) => (error === null ? resolve(response) : reject(error)));
  // `replied` tells of failures; these keep one that nobody waits for yet from ending the process.
  replied.catch(() => undefined);
  call.on('error', () => undefined);
  return { call, replied };
}

async function send(
  { call, replied }: Handover,
  file: LoraFile,
  { signal, onSent }: { signal: AbortSignal; onSent: (bytes: number) => void },
): Promise<void> {
  let hasReplied = false;
  const answer = replied.finally(() => (hasReplied = true));
  answer.catch(() => undefined);
  const write = async (message: PutLoraRequest): Promise<void> => {
    if (!call.write(message)) await Promise.race([once(call, 'drain'), answer]);
  };
  const { loraId, version, sizeBytes } = file;
  await write({ part: { $case: 'header', value: { loraId, version, sizeBytes: BigInt(sizeBytes) } } });
  let sentBytes = 0;
  for await (const piece of inPieces(file.read(signal), pieceBytes)) {
    // It has the file already, or does not want it: the reply says which.
    if (hasReplied) return;
    await write({ part: { $case: 'chunk', value: piece } });
    sentBytes += piece.length;
    onSent(sentBytes);
  }
  if (sentBytes !== sizeBytes) throw new DomainError('storage-unavailable', 'The LoRA did not come whole.');
}
