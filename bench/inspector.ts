// The inspector of another Node process: asked by name, as the DevTools protocol has it.
export class Inspector {
  private lastId = 0;
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>();

  private constructor(private readonly socket: WebSocket) {
    socket.addEventListener('message', ({ data }) => this.onMessage(String(data)));
    socket.addEventListener('close', () => {
      this.waiting.forEach(({ reject }) => reject(new Error('the inspected process has gone')));
    });
  }

  /** @param port that the process was given by `--inspect` */
  static async connect(port: number): Promise<Inspector> {
    const response = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error('there is nothing to inspect');
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', () => reject(new Error('the inspector does not answer')));
    });
    return new Inspector(socket);
  }

  /** @throws Error with what the inspector says of it */
  ask<Result>(method: string, params: object = {}): Promise<Result> {
    this.lastId += 1;
    const answered = Promise.withResolvers<unknown>();
    this.waiting.set(this.lastId, answered);
    this.socket.send(JSON.stringify({ id: this.lastId, method, params }));
    return answered.promise as Promise<Result>;
  }

  /** The value of a JavaScript expression over there. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result } = await this.ask<{ result: { value: Value } }>('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    return result.value;
  }

  close(): void {
    this.socket.close();
  }

  private onMessage(text: string): void {
    const { id, result, error } = JSON.parse(text) as { id?: number; result?: unknown; error?: { message: string } };
    if (id === undefined) return;
    const answered = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) answered?.resolve(result);
    else answered?.reject(new Error(error.message));
  }
}
