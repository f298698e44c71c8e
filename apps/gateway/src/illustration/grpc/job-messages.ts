import {
  IllustrationKind as WireKind,
  JobState as WireState,
  type Illustration,
  type Job as JobMessage,
  type JobProgress as JobProgressMessage,
  type Preview as PreviewMessage,
} from '../../generated/autobio/illustration/v1/job.js';
import type { JobState } from '../../jobs/domain/job.js';
import type { JobEventView } from '../job-event-view.js';
import type { IllustrationView, JobView } from '../job-view.js';
import type { PreviewView } from '../preview-teller.js';

const wireStates: Readonly<Record<JobState, WireState>> = {
  queued: WireState.JOB_STATE_QUEUED,
  running: WireState.JOB_STATE_RUNNING,
  succeeded: WireState.JOB_STATE_SUCCEEDED,
  failed: WireState.JOB_STATE_FAILED,
  canceled: WireState.JOB_STATE_CANCELED,
  expired: WireState.JOB_STATE_EXPIRED,
};

const wireKinds: Readonly<Record<string, WireKind>> = {
  memory: WireKind.ILLUSTRATION_KIND_MEMORY,
  subject: WireKind.ILLUSTRATION_KIND_SUBJECT,
};

/** The state's own name; for a number that names none, a text that names none. */
export function fromWireState(state: WireState): string {
  const known = Object.entries(wireStates).find(([, wire]) => wire === state);
  return known?.[0] ?? '';
}

/** The callers' view as its gRPC message. */
export function toJobMessage(view: JobView): JobMessage {
  return {
    jobId: view.job_id,
    kind: wireKinds[view.kind] ?? WireKind.ILLUSTRATION_KIND_UNSPECIFIED,
    state: wireStates[view.state],
    createdAt: new Date(view.created_at),
    startedAt: toDate(view.started_at),
    finishedAt: toDate(view.finished_at),
    deadline: toDate(view.deadline),
    progress: isOnItsWay(view) ? toProgressMessage(view) : undefined,
    illustrations: (view.data ?? []).map(toIllustration),
    error: view.error && { reason: view.error.error, detail: view.error.detail, retryable: view.error.retryable },
    attempt: view.attempt,
    cancelRequested: view.cancel_requested,
    receipt: view.receipt,
    warnings: view.warnings ?? [],
    cached: view.cached,
  };
}

/** How far a job is: what the view or the event says of it. */
export function toProgressMessage(
  view: Pick<JobView, 'state' | 'progress' | 'queue_position' | 'eta_seconds'> | JobEventView,
): JobProgressMessage {
  return {
    state: wireStates[view.state],
    queuePosition: 'queue_position' in view ? view.queue_position : undefined,
    step: view.progress?.step,
    totalSteps: view.progress?.total_steps,
    image: view.progress?.image,
    images: view.progress?.images,
    etaSeconds: view.eta_seconds,
  };
}

export function toPreviewMessage({ progress, mime_type: mimeType, b64_json: base64 }: PreviewView): PreviewMessage {
  const { step, total_steps: totalSteps, image } = progress;
  return { step, totalSteps, image, mimeType, data: Buffer.from(base64, 'base64') };
}

function isOnItsWay({ state }: JobView): boolean {
  return state === 'queued' || state === 'running';
}

function toIllustration({ s3_uri: s3Uri, url, seed, width, height, sha256 }: IllustrationView): Illustration {
  return { s3Uri, url, seed, width, height, sha256 };
}

function toDate(time: string | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
