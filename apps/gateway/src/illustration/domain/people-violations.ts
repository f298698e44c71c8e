import type { Violation } from '../../errors/domain-error.js';
import { identifierRule, isIdentifier } from './identifier.js';
import {
  imageSizeMultiple,
  ipAdapterScaleRange,
  peopleRange,
  regionSizeMultiple,
  type IllustrationValues,
  type PersonValues,
  type Region,
} from './illustration-values.js';
import { isWithin, numberViolation, violation } from './violation-rules.js';

const fractions = { min: 0, max: 1 } as const;

/** What is wrong with the people of a memory, each place by its path. */
export function* peopleViolations(values: IllustrationValues): Generator<Violation> {
  const { kind, people, ipAdapterScale } = values;
  if (people === undefined) return;
  if (kind === 'subject') yield violation('people', 'is not a field of a portrait');
  if (!isWithin(people.length, peopleRange)) {
    yield violation('people', `must be ${peopleRange.min} to ${peopleRange.max} people`);
  }
  const haveRegions = people.some(({ region }) => region !== undefined);
  if (haveRegions) yield* regionSizeViolations(values);
  const seen = new Set<string>();
  for (const [at, person] of people.entries()) {
    const path = `people/${at}`;
    yield* personViolations(path, person);
    // One that is the request's own is told of there.
    if (person.ipAdapterScale !== ipAdapterScale) {
      yield* numberViolation(`${path}/ip_adapter_scale`, person.ipAdapterScale, ipAdapterScaleRange);
    }
    if (seen.has(person.userId)) yield violation(`${path}/user_id`, 'is in the picture already');
    seen.add(person.userId);
    if (haveRegions && person.region === undefined) {
      yield violation(`${path}/region`, 'must be given for all people or for none');
    }
  }
}

/** Of sides that are none at all it is told elsewhere. */
function* regionSizeViolations({ width, height }: IllustrationValues): Generator<Violation> {
  for (const [side, pixels = 0] of Object.entries({ width, height })) {
    if (pixels % imageSizeMultiple === 0 && pixels % regionSizeMultiple !== 0) {
      yield violation(side, `must be a multiple of ${regionSizeMultiple} for several people, or people in regions`);
    }
  }
}

function* personViolations(path: string, { userId, region }: PersonValues): Generator<Violation> {
  if (!isIdentifier(userId)) yield violation(`${path}/user_id`, `must be ${identifierRule}`);
  if (region !== undefined) yield* regionViolations(`${path}/region`, region);
}

function* regionViolations(path: string, region: Region): Generator<Violation> {
  const sides = ['left', 'top', 'right', 'bottom'] as const;
  const wrong = sides.flatMap((side) => [...numberViolation(`${path}/${side}`, region[side], fractions)]);
  yield* wrong;
  if (wrong.length > 0) return;
  if (region.left >= region.right) yield violation(`${path}/right`, 'must be more than left');
  if (region.top >= region.bottom) yield violation(`${path}/bottom`, 'must be more than top');
}
