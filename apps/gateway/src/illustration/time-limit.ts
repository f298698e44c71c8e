import { DomainError } from '../errors/domain-error.js';

/** The time a request may take, as one signal with whatever else may end it. `clear` it when the work is over. */
export class TimeLimit {
  /** When the time is up. */
  readonly deadline: Date;
  /** Aborted with DomainError `deadline-exceeded` at the deadline, or when `parent` is, with its reason. */
  readonly signal: AbortSignal;
  private readonly timer: NodeJS.Timeout;

  constructor(limitMs: number, parent: AbortSignal) {
    const timeUp = new AbortController();
    this.deadline = new Date(Date.now() + limitMs);
    this.timer = setTimeout(
      () => timeUp.abort(new DomainError('deadline-exceeded', 'The time allowed for the request ran out.')),
      limitMs,
    );
    this.signal = AbortSignal.any([parent, timeUp.signal]);
  }

  clear(): void {
    clearTimeout(this.timer);
  }
}
