import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import type { S3StoreConfig } from '../../config/app-config.js';
import { observe } from './observed-client.js';
import { S3Breaker } from './s3-breaker.js';

/** How long a silent server is waited for, milliseconds. The SDK by itself waits for ever, or nearly. */
export interface S3Timeouts {
  connectMs: number;
  /** From sending the request to the response's header, for each attempt. */
  firstByteMs: number;
  /** Between two pieces of a response's body. */
  bodyIdleMs: number;
}

export const defaultTimeouts: S3Timeouts = { connectMs: 2_000, firstByteMs: 5_000, bodyIdleMs: 5_000 };

/** The SDK's client as configured. Three attempts with back-off: a single 500 or a reset connection is not an outage. */
export function makeS3Client(config: S3StoreConfig, timeouts: S3Timeouts): S3Client {
  const client = new S3Client({
    region: config.region,
    // A copy: the SDK writes into what it is given, and the configuration is frozen.
    credentials: config.credentials && { ...config.credentials },
    maxAttempts: 3,
    // Waiting for `100 Continue` stalls six seconds on servers that do not know it; pictures are small.
    expectContinueHeader: false,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: timeouts.connectMs,
      requestTimeout: timeouts.firstByteMs,
      throwOnRequestTimeout: true,
    }),
    ...(config.endpointUrl === undefined ? {} : notAws(config.endpointUrl)),
  });
  return observe(client);
}

/** The client with a breaker. Not for signing URLs, which asks nobody and so tells nothing of the server. */
export function withBreaker(client: S3Client): S3Client {
  const breaker = new S3Breaker();
  // Before everything else, so that the attempts at one call count once.
  const place = { step: 'initialize', name: 'breaker', priority: 'high' } as const;
  client.middlewareStack.add((next) => (call) => breaker.run(() => next(call)), place);
  return client;
}

/** Servers that are not AWS's have no DNS name for each bucket, and many refuse the SDK's newer checksum headers. */
function notAws(endpoint: string) {
  return {
    endpoint,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  } as const;
}
