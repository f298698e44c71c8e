// Who may import whom in the gateway: docs/01-architecture.md drawn as rules.
const src = '^apps/gateway/src/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: ['\\.spec\\.ts$', `${src}main\\.ts$`, `${src}generated/`, '\\.d\\.ts$', 'vitest\\.config\\.ts$'],
      },
      to: {},
    },
    {
      name: 'domain-knows-only-the-language-and-domain-errors',
      severity: 'error',
      from: { path: `${src}illustration/domain/`, pathNot: '\\.spec\\.ts$' },
      to: { pathNot: [`${src}illustration/domain/`, `${src}errors/domain-error\\.ts$`, `${src}errors/reason\\.ts$`] },
    },
    {
      name: 'faces-do-not-know-the-worker',
      severity: 'error',
      from: { path: `${src}illustration/(rest|grpc)/`, pathNot: '\\.spec\\.ts$' },
      to: { path: `${src}illustration/worker/` },
    },
    {
      name: 'faces-do-not-know-each-other',
      severity: 'error',
      from: { path: `${src}illustration/rest/` },
      to: { path: `${src}illustration/grpc/` },
    },
    {
      name: 'faces-do-not-know-each-other-back',
      severity: 'error',
      from: { path: `${src}illustration/grpc/` },
      to: { path: `${src}illustration/rest/` },
    },
    {
      name: 'worker-adapter-knows-domain-errors-config',
      severity: 'error',
      from: { path: `${src}illustration/worker/`, pathNot: '\\.spec\\.ts$' },
      to: { path: `${src}(?!illustration/(worker|domain)/|errors/|config/|generated/|observability/)` },
    },
    {
      name: 'generated-code-only-at-the-edges',
      severity: 'error',
      from: { path: src, pathNot: ['/grpc/', '/worker/', `${src}errors/`, `${src}generated/`] },
      to: { path: `${src}generated/` },
    },
    {
      name: 'aws-sdk-only-in-the-s3-adapter',
      severity: 'error',
      from: { path: src, pathNot: [`${src}storage/s3/`] },
      to: { path: 'node_modules/@(aws-sdk|smithy)/' },
    },
    {
      name: 'opentelemetry-only-in-the-tracer',
      severity: 'error',
      from: { path: src, pathNot: [`${src}observability/tracing/(otel-tracer|sampler)\\.ts$`] },
      to: { path: 'node_modules/@opentelemetry/' },
    },
    {
      name: 'the-tracer-is-loaded-on-demand',
      severity: 'error',
      from: { path: src },
      to: {
        path: `${src}observability/tracing/otel-tracer\\.ts$`,
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    {
      name: 'prom-client-only-in-metrics',
      severity: 'error',
      from: { path: src, pathNot: [`${src}observability/metrics/`] },
      to: { path: 'node_modules/prom-client/' },
    },
    {
      name: 'shipped-code-does-not-import-tests',
      severity: 'error',
      from: { path: src, pathNot: '\\.spec\\.ts$' },
      to: { path: '(\\.spec\\.ts$|^test/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
