import { Channel, credentials } from '@grpc/grpc-js';

/**
 * The one connection to the worker: drawings and the health watch share it, so what the watch learns of the connection
 * holds for the drawings too.
 */
export function openWorkerChannel(address: string): Channel {
  return new Channel(address, credentials.createInsecure(), {
    // The worker sends pieces of at most 512 KiB, and checkpoints of at most 8 MiB that it would take back.
    'grpc.max_receive_message_length': 9 * 1024 * 1024,
    // Five reference images at their largest, a checkpoint and the prompts: what the worker takes.
    'grpc.max_send_message_length': 64 * 1024 * 1024,
    // The HTTP/2 default of 64 KiB makes every image wait for window updates.
    'grpc-node.flow_control_window': 4 * 1024 * 1024,
    // Notices a worker that hangs with its socket open. The server must allow pings this often
    // (`grpc.http2.min_ping_interval_without_data_ms`), or it closes the connection.
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 5_000,
    // The worker restarts within seconds: do not let the back-off grow to its default of two minutes.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    // A retried drawing would cost the GPU twice; whoever asks decides.
    'grpc.enable_retries': 0,
  });
}
