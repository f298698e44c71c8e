/** The lease is no longer ours: another attempt has the job, or it has ended. Nothing was written. */
export class FencedError extends Error {
  override readonly name = 'FencedError';

  constructor(
    readonly jobId: string,
    readonly attempt: number,
  ) {
    super(`attempt ${attempt} of job ${jobId} has lost its lease`);
  }
}
