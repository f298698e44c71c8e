/** Every event of every job is told here, as `<job id>:<seq>:<type>`; who wants more reads it. */
export const eventsChannel = 'illustration_job_events';

export interface JobNotice {
  jobId: string;
  seq: number;
  /** A `JobEventType`, perhaps one of a newer gateway. */
  type: string;
}

export function parseNotice(payload: string): JobNotice | undefined {
  const [jobId, seq, type] = payload.split(':');
  if (jobId === undefined || type === undefined) return undefined;
  return { jobId, seq: Number(seq), type };
}
