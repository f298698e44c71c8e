import { Signal } from './signal.js';

/** A reply is out, or its caller gone. */
export const httpServed = new Signal<{
  method: string;
  /** The pattern, never the path: `/v1/jobs/:id`. undefined: refused before a route was found. */
  route: string | undefined;
  status: number;
  /** The caller left before the reply was out. */
  isAborted: boolean;
  seconds: number;
}>();

/** A gRPC call is over. */
export const grpcServed = new Signal<{
  /** `/package.Service/Method` */
  path: string;
  /** Name of the status: `OK`. */
  code: string;
  seconds: number;
}>();

/** A request or a call was answered with an error. */
export const errorAnswered = new Signal<{ reason: string }>();
