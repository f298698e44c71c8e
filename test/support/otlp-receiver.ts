import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A span as the collector got it. */
export interface ReceivedSpan {
  /** `service.name` of who sent it. */
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty: it is the first of its trace. */
  parentSpanId: string;
  /** Nanoseconds since 1970. */
  startedAt: bigint;
  endedAt: bigint;
}

/**
 * A collector of traces: OTLP over HTTP with protobuf, as little of it as tests look at. Read by hand, because the
 * messages are OpenTelemetry's and a copy of its proto files would be one more thing to keep.
 */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<OtlpReceiver> {
    const server = createServer((request, response) => {
      const take = async (): Promise<void> => {
        receiver.spans.push(...spansIn(await bodyOf(request)));
        response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
      };
      void take();
    });
    const receiver = new OtlpReceiver(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  ofTrace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  /** The trace as lines, each below its parent: name, service, milliseconds from the trace's start and of length. */
  draw(traceId: string): string {
    const spans = this.ofTrace(traceId).toSorted((one, other) => Number(one.startedAt - other.startedAt));
    const ids = new Set(spans.map(({ spanId }) => spanId));
    const begun = spans[0]?.startedAt ?? 0n;
    const below = (parent: string | undefined, depth: number): string[] =>
      spans
        .filter(({ parentSpanId }) => (parent === undefined ? !ids.has(parentSpanId) : parentSpanId === parent))
        .flatMap((span) => [line(span, depth, begun), ...below(span.spanId, depth + 1)]);
    return below(undefined, 0).join('\n');
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

function line({ name, service, startedAt, endedAt }: ReceivedSpan, depth: number, begun: bigint): string {
  const ms = (nanoseconds: bigint): string => `${(Number(nanoseconds) / 1e6).toFixed(1)} ms`;
  const title = `${'  '.repeat(depth)}${name}`;
  return `${title.padEnd(58)} ${service.padEnd(21)} +${ms(startedAt - begun).padStart(10)} ${ms(endedAt - startedAt).padStart(11)}`;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

/** `ExportTraceServiceRequest`: resource_spans = 1; ResourceSpans: resource = 1, scope_spans = 2; ScopeSpans: spans = 2. */
function spansIn(request: Uint8Array): ReceivedSpan[] {
  return messages(request, 1).flatMap((resourceSpans) => {
    const service = messages(resourceSpans, 1).map(serviceNameIn).find(Boolean) ?? '';
    return messages(resourceSpans, 2).flatMap((scope) => messages(scope, 2).map((span) => readSpan(span, service)));
  });
}

/** Resource: attributes = 1, each KeyValue: key = 1, value = 2, an AnyValue: string_value = 1. */
function serviceNameIn(resource: Uint8Array): string | undefined {
  const attribute = messages(resource, 1).find((one) => text(messages(one, 1)[0]) === 'service.name');
  return attribute && text(messages(messages(attribute, 2)[0] ?? new Uint8Array(), 1)[0]);
}

/** Span: trace_id = 1, span_id = 2, parent_span_id = 4, name = 5, start_time_unix_nano = 7, end_time_unix_nano = 8. */
function readSpan(span: Uint8Array, service: string): ReceivedSpan {
  const hex = (field: number): string => Buffer.from(messages(span, field)[0] ?? []).toString('hex');
  return {
    service,
    name: text(messages(span, 5)[0]),
    traceId: hex(1),
    spanId: hex(2),
    parentSpanId: hex(4),
    startedAt: fixed64(span, 7),
    endedAt: fixed64(span, 8),
  };
}

/** All values of a field of length-delimited type. */
function messages(bytes: Uint8Array, field: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field) found.push(reader.bytes());
    else reader.skip(wireType, number);
  }
  return found;
}

function fixed64(bytes: Uint8Array, field: number): bigint {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === field) return BigInt(reader.fixed64());
    reader.skip(wireType, number);
  }
  return 0n;
}

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('utf8');
}
