/** The gateway's settings as the code sees them: typed, complete, frozen. Made from the environment by `load-config.ts`. */
export abstract class AppConfig {
  abstract readonly http: {
    readonly host: string;
    readonly port: number;
    /** Public address without a trailing slash; undefined: told by the address listened on. */
    readonly serviceUrl: string | undefined;
    readonly isDocsEnabled: boolean;
    /** undefined: no page of another origin may read a reply. */
    readonly cors: { readonly origins: readonly string[]; readonly hasCredentials: boolean } | undefined;
    readonly requestTimeoutMs: number;
  };
  abstract readonly shutdown: {
    /** From SIGTERM to the end of everything. */
    readonly graceMs: number;
    /** How long new connections are taken at least, after readiness went off. */
    readonly delayMs: number;
  };
  /** Without brackets or with them; port 0: a free one. */
  abstract readonly grpc: { readonly host: string; readonly port: number };
  /** Without brackets or with them; port undefined: no metrics. */
  abstract readonly metrics: { readonly host: string; readonly port: number | undefined };
  abstract readonly tracing: {
    readonly isEnabled: boolean;
    readonly sampler: { readonly name: SamplerName; readonly ratio: number };
    readonly flushEveryMs: number;
  };
  abstract readonly logLevel: LogLevel;
  /** Absolute path. */
  abstract readonly dataDir: string;
  abstract readonly auth: {
    /** false: every caller is let in, for everything. */
    readonly isEnabled: boolean;
    /** The token that all callers can share. */
    readonly token: string | undefined;
    /** Absolute path. */
    readonly apiKeysFile: string | undefined;
    readonly jwt: JwtConfig | undefined;
  };
  /** Of each tenant that has none of its own; an absent member is no limit. */
  abstract readonly quotas: {
    readonly requestsPerMinute?: number;
    readonly concurrentJobs?: number;
    readonly gpuSecondsPerDay?: number;
  };
  abstract readonly database: {
    /** undefined: the embedded database. */
    readonly url: string | undefined;
    /** Absolute path of the embedded database's folder. */
    readonly folder: string;
  };
  abstract readonly jobs: {
    readonly maxAttempts: number;
    readonly maxQueuedJobs: number;
    /** Of a job that nobody waits for. */
    readonly deadlineMs: number;
    readonly leaseSeconds: number;
    /** A run without progress for so long hangs. */
    readonly stepTimeoutMs: number;
    /** How long an ended job can be looked at; 0: for ever. */
    readonly retentionMs: number;
    /** How long a run may take to stop once it is aborted. */
    readonly abortGraceMs: number;
  };
  abstract readonly resultCache: {
    /** Redis; undefined: this process's memory. */
    readonly url: string | undefined;
    /** 0: nothing is remembered. */
    readonly ttlMs: number;
    /** In memory. */
    readonly maxEntries: number;
  };
  abstract readonly worker: { readonly kind: 'grpc'; readonly address: string } | { readonly kind: 'fake' };
  abstract readonly store: FileStoreConfig | S3StoreConfig;
  /** Key prefixes, each without a trailing slash. */
  abstract readonly keyPrefixes: {
    readonly avatar: string;
    readonly subject: string;
    readonly generated: string;
    readonly lora: string;
  };
  /** The word that LoRAs are trained on, put in front of the prompt. */
  abstract readonly loraInstanceToken: string;
  abstract readonly defaults: {
    readonly numInferenceSteps: number;
    readonly ipAdapterScale: number;
    readonly guidanceScale: number;
    readonly loraScale: number;
    readonly negativePrompt: string;
    readonly memoryStylePrompt: string;
    readonly subjectStylePrompt: string;
  };
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export type SamplerName =
  | 'always_on'
  | 'always_off'
  | 'traceidratio'
  | 'parentbased_always_on'
  | 'parentbased_always_off'
  | 'parentbased_traceidratio';
export interface JwtConfig {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly tenantClaim: string;
}

export interface FileStoreConfig {
  readonly kind: 'file';
  /** Absolute path of the folder that holds the objects, one file a key. */
  readonly folder: string;
  /** What `s3_uri` names as the bucket. */
  readonly bucket: string;
}

export interface S3StoreConfig {
  readonly kind: 's3';
  readonly bucket: string;
  readonly region: string;
  readonly endpointUrl: string | undefined;
  /** undefined: the AWS SDK's own chain applies. */
  readonly credentials:
    { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string } | undefined;
}
