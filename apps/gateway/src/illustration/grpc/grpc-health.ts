import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';
import {
  Metadata,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  status as grpcStatus,
} from '@grpc/grpc-js';

/** `grpc.health.v1.HealthCheckResponse.ServingStatus`. */
export const ServingStatus = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;
type Status = (typeof ServingStatus)[keyof typeof ServingStatus];

/** Not the bare name: to grpc-js an empty text is no message at all. */
interface HealthRequest {
  service: string;
}

const codec = {
  requestStream: false,
  requestSerialize: ({ service }: HealthRequest) => Buffer.from(new BinaryWriter().uint32(10).string(service).finish()),
  requestDeserialize: readRequest,
  responseSerialize: (status: Status) => Buffer.from(new BinaryWriter().uint32(8).int32(status).finish()),
  responseDeserialize: readStatus,
} as const;

/**
 * The standard grpc.health.v1 protocol, written by hand: two messages of one field each do not earn a dependency or a
 * copy of somebody else's proto file.
 */
export const healthDefinition = {
  check: { ...codec, path: '/grpc.health.v1.Health/Check', responseStream: false },
  watch: { ...codec, path: '/grpc.health.v1.Health/Watch', responseStream: true },
} satisfies ServiceDefinition;

/** Readiness is asked so often while somebody watches: it shows within 2 s. */
const everyMs = 1000;

/** Tells whether requests should be sent here, as `/health/ready` does over HTTP. Needs no credential, like it. */
export class GrpcHealth {
  private readonly watching = new Set<ServerWritableStream<HealthRequest, Status>>();

  /** @param services names that may be asked for, beside '' for all together */
  constructor(
    private readonly services: readonly string[],
    private readonly isReady: () => Promise<boolean>,
  ) {}

  readonly check = (call: ServerUnaryCall<HealthRequest, Status>, reply: sendUnaryData<Status>): void => {
    if (this.isKnown(call.request.service)) {
      void this.status().then((status) => reply(null, status));
      return;
    }
    const details = 'There is no such service here.';
    reply({ code: grpcStatus.NOT_FOUND, details, metadata: new Metadata() });
  };

  readonly watch = (call: ServerWritableStream<HealthRequest, Status>): void => {
    // By the protocol an unknown service is watched too: it might come.
    if (!this.isKnown(call.request.service)) {
      call.write(ServingStatus.serviceUnknown);
      return;
    }
    let told: Status | undefined;
    const tell = async (): Promise<void> => {
      const status = await this.status();
      if (status === told || !this.watching.has(call)) return;
      told = status;
      call.write(status);
    };
    this.watching.add(call);
    const timer = setInterval(() => void tell(), everyMs);
    const stop = (): void => {
      clearInterval(timer);
      this.watching.delete(call);
    };
    call.once('cancelled', stop);
    call.once('finish', stop);
    void tell();
  };

  /** Ends the watches: they would never end by themselves. */
  stop(): void {
    for (const call of this.watching) {
      call.write(ServingStatus.notServing);
      call.end();
    }
  }

  private isKnown(service: string): boolean {
    return service === '' || this.services.includes(service);
  }

  /** Whoever cannot tell is not ready. */
  private status(): Promise<Status> {
    return this.isReady().then(
      (isReady) => (isReady ? ServingStatus.serving : ServingStatus.notServing),
      () => ServingStatus.notServing,
    );
  }
}

function readRequest(bytes: Buffer): HealthRequest {
  let service = '';
  eachField(bytes, 1, (reader) => {
    service = reader.string();
  });
  return { service };
}

function readStatus(bytes: Buffer): Status {
  let status: Status = ServingStatus.serviceUnknown;
  eachField(bytes, 1, (reader) => {
    const value = reader.int32();
    status = Object.values(ServingStatus).find((known) => known === value) ?? status;
  });
  return status;
}

/** Of several values of a field the last counts, as protobuf has it. */
function eachField(bytes: Buffer, field: number, read: (reader: BinaryReader) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field) read(reader);
    else reader.skip(wireType, number);
  }
}
