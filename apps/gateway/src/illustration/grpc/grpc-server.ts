import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerInterceptor,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { ServerGrpc } from '@nestjs/microservices';

import { DomainError } from '../../errors/domain-error.js';
import { toGrpcStatus } from '../../errors/grpc-status.js';
import { IllustrationServiceService } from '../../generated/autobio/illustration/v1/illustration.js';
import { runInRequest } from '../../observability/request-context.js';
import { saneRequestId } from '../../observability/request-id.middleware.js';
import { saneTraceparent } from '../../observability/tracing/trace-context.js';
import { runInTrace } from '../../observability/tracing/traced.js';
import { GrpcListenError } from './grpc-listen.error.js';
import { readable, UnreadableRequest } from './readable-definition.js';

type Call = ServerUnaryCall<unknown, unknown> & ServerWritableStream<unknown, unknown>;
type Serve = (call: Call, reply: sendUnaryData<unknown>) => unknown;

export interface GrpcServerOptions {
  host: string;
  /** 0: a free one. */
  port: number;
  interceptors: ServerInterceptor[];
  /** Adds what is not an illustration: health, reflection. */
  extend: (server: Server) => void;
  /** Ends what would never end by itself. */
  beforeClose: () => void;
}

/** As much as a REST body may have. */
const maxMessageBytes = 64 * 1024;
/** Calls going on at once on one connection; more of them wait at the caller. */
const maxStreams = 256;
const longestCloseMs = 2000;

/**
 * Nest's gRPC server over the generated service definition, so that what handlers get and give is what the compiler
 * has checked (docs/decisions/0004-grpc-server-over-generated-code.md).
 */
export class GatewayGrpcServer extends ServerGrpc {
  private server: Server | undefined;
  private boundPort = 0;

  constructor(private readonly settings: GrpcServerOptions) {
    super({ package: '', protoPath: [] });
  }

  /** The port listened on, once it is. */
  get port(): number {
    return this.boundPort;
  }

  override async createClient(): Promise<Server> {
    const { host, port, interceptors } = this.settings;
    const server = new Server({
      interceptors,
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_concurrent_streams': maxStreams,
    });
    const address = `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`;
    this.boundPort = await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(new GrpcListenError(address, error)),
      );
    });
    this.server = server;
    return server;
  }

  override async bindEvents(): Promise<void> {
    await super.bindEvents();
    if (this.server !== undefined) this.settings.extend(this.server);
  }

  override loadProto() {
    const definition = readable(IllustrationServiceService);
    return { IllustrationService: { service: definition, prototype: definition } };
  }

  override createServiceMethod(...handler: Parameters<ServerGrpc['createServiceMethod']>): Serve {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Nest declares it as a bare Function
    const serve = super.createServiceMethod(...handler) as Serve;
    return (call, reply) => {
      const requestId = saneRequestId(call.metadata.get('x-request-id')[0]);
      const metadata = new Metadata();
      metadata.set('x-request-id', requestId);
      call.sendMetadata(metadata);
      if (call.request instanceof UnreadableRequest) {
        return refuse(call, reply, new DomainError('malformed-request', 'The message could not be read.'));
      }
      const traceparent = saneTraceparent(call.metadata.get('traceparent')[0]);
      return runInTrace(traceparent, () => runInRequest({ requestId }, () => serve(call, reply)));
    };
  }

  /** Calls that answer at once have their time; streams have had theirs in the drain. */
  override async close(): Promise<void> {
    const { server } = this;
    if (server === undefined) return;
    this.server = undefined;
    this.settings.beforeClose();
    await new Promise<void>((resolve) => {
      const cutOff = setTimeout(() => server.forceShutdown(), longestCloseMs);
      server.tryShutdown(() => {
        clearTimeout(cutOff);
        resolve();
      });
    });
    server.forceShutdown();
  }
}

function refuse(call: Call, reply: sendUnaryData<unknown> | undefined, error: DomainError): void {
  if (reply === undefined) call.emit('error', toGrpcStatus(error));
  else reply(toGrpcStatus(error));
}
