import { Client, escapeIdentifier, type ClientConfig } from 'pg';
import type { Listening } from './database.js';

interface Subscription {
  channel: string;
  onPayload: (payload: string) => void;
  onGap: () => void;
}

const probeEveryMs = 5000;
const shortestPauseMs = 100;
const longestPauseMs = 2000;

/**
 * The one connection of a process that listens. It notices that it is lost (also in silence, by a probe), connects
 * again and then tells every subscriber that notifications may be missing.
 */
export class PostgresListener {
  private readonly subscriptions = new Set<Subscription>();
  private connecting: Promise<Client> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private pauseMs = shortestPauseMs;
  private isClosed = false;
  private sending: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly config: ClientConfig,
    private readonly onLost: (error: Error) => void,
  ) {}

  async add(subscription: Subscription): Promise<Listening> {
    const client = await this.connected();
    await this.send(client, `LISTEN ${escapeIdentifier(subscription.channel)}`);
    this.subscriptions.add(subscription);
    return {
      close: () => {
        // The channel stays open on the server: it costs nothing, and another subscriber may use it.
        this.subscriptions.delete(subscription);
        return Promise.resolve();
      },
    };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.subscriptions.clear();
    const client = await this.connecting?.catch(() => undefined);
    client?.removeAllListeners('error');
    client?.on('error', () => undefined);
    await client?.end();
  }

  /** One statement at a time. */
  private send(client: Client, sql: string): Promise<unknown> {
    const sent = this.sending.then(() => client.query(sql));
    this.sending = sent.catch(() => undefined);
    return sent;
  }

  private connected(): Promise<Client> {
    this.connecting ??= this.connect().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  private async connect(): Promise<Client> {
    const client = new Client({ ...this.config, keepAlive: true, query_timeout: probeEveryMs });
    client.on('error', (error) => this.lost(client, error));
    client.on('end', () => this.lost(client, new Error('the listening connection ended')));
    client.on('notification', ({ channel, payload = '' }) => {
      for (const one of this.subscriptions) if (one.channel === channel) one.onPayload(payload);
    });
    await client.connect();
    for (const channel of new Set([...this.subscriptions].map((one) => one.channel))) {
      await client.query(`LISTEN ${escapeIdentifier(channel)}`);
    }
    this.pauseMs = shortestPauseMs;
    this.probeLater(client);
    return client;
  }

  private probeLater(client: Client): void {
    this.timer = setTimeout(() => {
      this.send(client, 'SELECT 1').then(
        () => this.isClosed || this.probeLater(client),
        (error: Error) => this.lost(client, error),
      );
    }, probeEveryMs);
    this.timer.unref();
  }

  /** May be told several times of one connection; `end` is forgotten so that only the first counts. */
  private lost(client: Client, error: Error): void {
    client.removeAllListeners('end').removeAllListeners('error').removeAllListeners('notification');
    client.on('error', () => undefined);
    client.end().catch(() => undefined);
    clearTimeout(this.timer);
    this.connecting = undefined;
    if (this.isClosed) return;
    this.onLost(error);
    this.reconnectLater();
  }

  private reconnectLater(): void {
    this.timer = setTimeout(() => {
      this.connected().then(
        () => this.subscriptions.forEach((one) => one.onGap()),
        () => this.isClosed || this.reconnectLater(),
      );
    }, this.pauseMs);
    this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs);
  }
}
