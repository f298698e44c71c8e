/** The gRPC listener could not be opened. The message is for whoever starts the service. */
export class GrpcListenError extends Error {
  override readonly name = 'GrpcListenError';

  constructor(address: string, cause: Error) {
    const why = /E[A-Z]{3,}/.exec(cause.message)?.[0];
    const said = why === 'EADDRINUSE' ? 'the port is in use' : (why ?? 'it is not an address of this machine');
    super(`cannot listen for gRPC on ${address}: ${said}; set GRPC_HOST or GRPC_PORT`, { cause });
  }
}
