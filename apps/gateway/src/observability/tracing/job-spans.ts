import { jobMoved } from '../../jobs/job-signals.js';
import { startSpan } from './traced.js';

/** Adds to the trace of each job how long it waited for its first attempt: work of nobody, so it is told afterwards. */
export function watchQueueing(): () => void {
  return jobMoved.watch(({ job, transition }) => {
    const { traceparent, createdAt, startedAt, attempt } = job;
    if (transition.type !== 'started' || attempt !== 1 || traceparent === null || startedAt === null) return;
    startSpan('queue', { parent: traceparent, startedAt: createdAt, attributes: { 'job.id': job.id } }).end({
      at: startedAt,
    });
  });
}
