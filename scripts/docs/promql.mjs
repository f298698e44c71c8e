// Enough of PromQL to find the metrics that an expression names.

const aggregation = /\b(?:sum|max|min|avg|count)\s+by\s*\(([^)]*)\)\s*\(/g;
/** A name that no word of PromQL is: ours, those of the processes, and what Prometheus makes itself. */
const metric = /(?<![\w:"])((?:illustration|nodejs|process)[_:][\w:]+|up|ALERTS)(?:\{([^}]*)\})?(?![\w:(])/g;

/**
 * @param {string} expr
 * @returns {{name: string, labels: string[]}[]} each metric with the labels it is selected by, and those its
 *   aggregation groups by
 */
export function metricsIn(expr) {
  const groups = [...expr.matchAll(aggregation)].map((found) => ({
    labels: found[1].split(',').map((label) => label.trim()),
    from: found.index,
    to: closing(expr, found.index + found[0].length - 1),
  }));
  return [...expr.matchAll(metric)].map((found) => ({
    name: found[1],
    labels: [
      ...[...(found[2] ?? '').matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label),
      ...groups.filter(({ from, to }) => from < found.index && found.index < to).flatMap(({ labels }) => labels),
    ].filter(Boolean),
  }));
}

/** Where the bracket that opens at `from` closes. */
function closing(text, from) {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return at;
  }
  return text.length;
}
