// Do kustomize and Helm say the same? Compared is what the API server would make of both, object by object.
import assert from 'node:assert/strict';

/** Labels that only say where an object comes from. */
const marks = new Set([
  'helm.sh/chart',
  'app.kubernetes.io/managed-by',
  'app.kubernetes.io/version',
  'app.kubernetes.io/instance',
]);

/** @returns {string[]} what differs, in words */
export function differences(overlay, chart) {
  const [left, right] = [byName(overlay), byName(chart)];
  const onlyIn = (one, other, whose) =>
    [...one.keys()].filter((name) => !other.has(name)).map((name) => `only ${whose} has ${name}`);
  return [
    ...onlyIn(left, right, 'the overlay'),
    ...onlyIn(right, left, 'the chart'),
    ...[...left].flatMap(([name, object]) => (right.has(name) ? unequal(name, object, right.get(name)) : [])),
  ];
}

function unequal(name, overlay, chart) {
  try {
    assert.deepEqual(chart, overlay);
    return [];
  } catch (error) {
    return [`${name}: the chart (+) and the overlay (-) differ\n${error.message}`];
  }
}

function byName(objects) {
  return new Map(objects.map((object) => [`${object.kind} ${object.metadata.name}`, normal(object)]));
}

/** Without marks; lists of named things in the order of their names, for which the order means nothing. */
function normal(value, key = '') {
  if (Array.isArray(value)) {
    const list = value.map((one) => normal(one));
    const isUnordered = ['env', 'volumes', 'volumeMounts'].includes(key);
    return isUnordered ? list.sort((a, b) => (a.name < b.name ? -1 : 1)) : list;
  }
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([name]) => !marks.has(name) && name !== 'helm.sh/resource-policy');
  return Object.fromEntries(
    entries
      .map(([name, one]) => [name, normal(one, name)])
      .filter(([name, one]) => name !== 'annotations' || Object.keys(one).length > 0),
  );
}
