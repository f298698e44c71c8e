// Do dashboards, rules and CloudWatch's alarms speak of what there is? Every metric in them exists, with every label that is selected
// or grouped by; every alert has a unit test and a paragraph that says what to do.
import fs from 'node:fs';
import process from 'node:process';
import { parse } from 'yaml';
import { inRoot } from '../paths.mjs';
import { gatewayMetrics, workerMetrics } from './metrics.mjs';
import { metricsIn } from './promql.mjs';

const folder = (...parts) => inRoot('deploy', 'observability', ...parts);
const read = (...parts) => fs.readFileSync(folder(...parts), 'utf8');
/** What Prometheus adds by itself. */
const fromPrometheus = ['job', 'instance', 'le', 'alertname', 'alertstate', 'severity'];

const rules = parse(read('prometheus', 'illustration.rules.yml')).groups.flatMap((group) => group.rules);
const tests = read('prometheus', 'illustration.test.yml');
const page = fs.readFileSync(inRoot('docs', '08-observability.md'), 'utf8');
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
const labelsOf = knownSeries();

const expressions = [
  ...rules.map(({ record, alert, expr }) => ({ where: `rule ${record ?? alert}`, expr })),
  ...dashboardExpressions('illustration.json'),
];
const exported = terraformMetrics();
const alerts = rules.flatMap(({ alert }) => alert ?? []);
const problems = [
  ...expressions.flatMap(({ where, expr }) => problemsOf(expr).map((problem) => `${where}: ${problem}`)),
  ...exported.filter((name) => !labelsOf.has(name)).map((name) => `deploy/terraform: there is no metric ${name}`),
  ...alerts.filter((name) => !tests.includes(`"${name}"`)).map((name) => `alert ${name}: it has no unit test`),
  ...alerts
    .filter((name) => !page.includes(`### ${name}\n`))
    .map((name) => `alert ${name}: no paragraph says what to do`),
];
for (const problem of problems) console.error(problem);
console.log(`${expressions.length} expressions, ${alerts.length} alerts, ${exported.length} metrics for CloudWatch`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** Name of every series -> the labels it may have. */
function knownSeries() {
  const series = new Map([
    ['up', fromPrometheus],
    ['ALERTS', fromPrometheus],
    ...[...recorded].map((name) => [name, []]),
  ]);
  for (const { name, type, labels } of [...gatewayMetrics(), ...workerMetrics()]) {
    const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    for (const suffix of suffixes) {
      series.set(`${name}${suffix}`, [...(series.get(`${name}${suffix}`) ?? fromPrometheus), ...labels]);
    }
  }
  return series;
}

function problemsOf(expr) {
  return metricsIn(expr).flatMap(({ name, labels }) => {
    const known = labelsOf.get(name);
    if (known === undefined) return [`there is no metric ${name}`];
    return labels.filter((label) => !known.includes(label)).map((label) => `${name} has no label ${label}`);
  });
}

/** What CloudWatch's agent keeps, and what alarms and autoscaling read of it. */
function terraformMetrics() {
  const text = ['metrics.tf', 'alarms.tf', 'autoscaling.tf']
    .map((file) => fs.readFileSync(inRoot('deploy', 'terraform', file), 'utf8'))
    .join('\n');
  return [...new Set([...text.matchAll(/"(illustration_[a-z_]+)"/g)].map(([, name]) => name))];
}

function dashboardExpressions(file) {
  const { panels, annotations } = JSON.parse(read('grafana', 'dashboards', file));
  const targets = panels.flatMap(({ title, targets: list = [] }) =>
    list.map(({ expr }) => ({ where: `dashboard panel "${title}"`, expr })),
  );
  return [...targets, ...annotations.list.map(({ name, expr }) => ({ where: `dashboard annotation ${name}`, expr }))];
}
