/**
 * Tells of something that happened, to whoever watches the service: metrics, traces. Code that does the work sends and
 * knows of no watcher; without one a signal costs an empty loop. A watcher must not throw, and must not wait.
 */
export class Signal<Fact> {
  private readonly watchers = new Set<(fact: Fact) => void>();

  send(fact: Fact): void {
    for (const watch of this.watchers) watch(fact);
  }

  /** @returns how to stop watching */
  watch(watcher: (fact: Fact) => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
}
