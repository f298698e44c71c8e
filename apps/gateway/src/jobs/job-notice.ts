/** Every event of every job is told here, as `<job id>:<seq>:<type>`; who wants more reads it. */
export const eventsChannel = 'illustration_job_events';

/** Type of the notice of a new preview, which is no event and has the number of none. */
export const previewNotice = 'preview';

export interface JobNotice {
  jobId: string;
  seq: number;
  /** A `JobEventType` or `previewNotice`, perhaps one of a newer gateway. */
  type: string;
}

export function parseNotice(payload: string): JobNotice | undefined {
  const [jobId, seq, type] = payload.split(':');
  if (jobId === undefined || type === undefined) return undefined;
  return { jobId, seq: Number(seq), type };
}
