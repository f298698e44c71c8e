import { Signal } from '../observability/signal.js';
import type { Outlook } from './capacity.js';
import type { Job } from './domain/job.js';
import type { JobTransition } from './domain/transition.js';

/** A job was accepted here for good; sent once it is committed. */
export const jobAccepted = new Signal<{ kind: string; tenant: string }>();

/** A call named an idempotency key that had its job already; nothing was accepted. */
export const jobReplayed = new Signal<{ kind: string }>();

/** This gateway has moved a job; sent once it is committed. Of one job all gateways together send each move once. */
export const jobMoved = new Signal<{ job: Job; transition: JobTransition }>();

/** A run came to its end without its lease: whatever it did counts for nothing. */
export const runFenced = new Signal<{ kind: string }>();

/** The queue of all gateways, and the runs of this one, as they were a moment ago. */
export const queueSeen = new Signal<{ outlook: Outlook; runs: number }>();
