// The parts of the documentation that are written by a program: tables between `<!-- begin:NAME -->` and `<!-- end:NAME -->`.
import fs from 'node:fs';
import { inRoot } from '../paths.mjs';
import { costTable } from './cost-table.mjs';
import { gatewayMetrics, isOurs, workerMetrics } from './metrics.mjs';
import { evaluate, gatewaySettings, moduleUrl, workerSettings } from './settings.mjs';

/** Generated part -> the page it stands in and the text it should have. */
export function generatedParts() {
  return [
    { page: 'README.md', name: 'gateway-settings', text: settingsTable(gatewaySettings()) },
    { page: 'README.md', name: 'worker-settings', text: settingsTable(workerSettings()) },
    { page: 'docs/03-errors.md', name: 'errors', text: errorTable() },
    { page: 'docs/10-operations.md', name: 'costs', text: costs() },
    { page: 'docs/08-observability.md', name: 'gateway-metrics', text: metricsTable(gatewayMetrics()) },
    { page: 'docs/08-observability.md', name: 'worker-metrics', text: metricsTable(workerMetrics()) },
  ];
}

/** The page with the part replaced. */
export function replacePart(pageText, name, text) {
  const [begin, end] = [`<!-- begin:${name} -->`, `<!-- end:${name} -->`];
  const from = pageText.indexOf(begin);
  const to = pageText.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the markers of the generated part ${name} are missing`);
  return `${pageText.slice(0, from + begin.length)}\n\n${text}\n\n${pageText.slice(to)}`;
}

const cell = (value) => String(value).replaceAll('|', '\\|');
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;

function table(head, rows) {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

const shown = (value) => (value === undefined || value === null || value === '' ? '' : `\`${value}\``);

/** @param {{name: string, default: string | undefined, description: string}[]} settings */
function settingsTable(settings) {
  return table(
    ['variable', 'default', 'what it does'],
    settings.map((setting) => [`\`${setting.name}\``, shown(setting.default), setting.description]),
  );
}

/** @param {import('./metrics.mjs').MetricRow[]} metrics */
function metricsTable(metrics) {
  return table(
    ['metric', 'type', 'labels', 'what it tells'],
    metrics
      .filter(isOurs)
      .map(({ name, type, labels, help }) => [
        `\`${name}\``,
        type,
        labels.map((label) => `\`${label}\``).join(', '),
        help,
      ]),
  );
}

function costs() {
  const { head, rows } = costTable();
  return table(head, rows);
}

function errorTable() {
  const rows = evaluate(`
    import { catalogue } from '${moduleUrl('errors/catalogue.js')}';
    import { status } from '@grpc/grpc-js';
    const rows = Object.entries(catalogue).map(([slug, row]) => ({ slug, ...row, grpc: status[row.grpcStatus] ?? "-" }));
    process.stdout.write(JSON.stringify(rows));`);
  const comments = reasonComments();
  return table(
    ['`error`', 'HTTP', 'gRPC', 'retry?', 'when'],
    rows.map((one) => [
      `\`${one.slug}\``,
      one.httpStatus,
      one.grpc,
      one.isRetryable ? 'yes' : 'no',
      comments.get(one.slug) ?? '',
    ]),
  );
}

/** Slug -> the comment above its value in errors.proto. */
function reasonComments() {
  const proto = fs.readFileSync(inRoot('proto', 'autobio', 'errors', 'v1', 'errors.proto'), 'utf8');
  const values = proto.matchAll(/((?: {2}\/\/ [^\n]*\n)+) {2}REASON_(\w+) = \d+;/g);
  return new Map(
    [...values].map(([, comment, name]) => [
      name.toLowerCase().replaceAll('_', '-'),
      comment
        .replaceAll(/ {2}\/\/ /g, '')
        .trim()
        .replaceAll('\n', ' '),
    ]),
  );
}
