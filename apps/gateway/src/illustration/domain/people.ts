import type { PersonValues, Region } from './illustration-values.js';

/** A person to draw, as a caller names them. Optional fields may be absent or null: both mean the default. */
export interface PersonFields {
  userId: string;
  region?: Region | null;
  ipAdapterScale?: number | null;
}

/** `people` with their defaults. Several without a region stand side by side; one alone may be anywhere. */
export function toPeople(people: readonly PersonFields[], ipAdapterScale: number): PersonValues[] {
  const areLaidOut = people.length > 1 && people.every(({ region }) => isAbsent(region));
  return people.map((person, at) => ({
    userId: person.userId,
    region: areLaidOut ? column(at, people.length) : toRegion(person.region),
    ipAdapterScale: unsignedZero(person.ipAdapterScale ?? ipAdapterScale),
  }));
}

/** Only what the caller gave of each person, as plain JSON: two spellings of one person are equal. */
export function givenPeople(people: readonly PersonFields[]): GivenPerson[] {
  return people.map(({ userId, region, ipAdapterScale }) => ({
    userId,
    ...(!isAbsent(region) && { region: plainRegion(region) }),
    ...(!isAbsent(ipAdapterScale) && { ipAdapterScale }),
  }));
}

export type GivenPerson = { userId: string; region?: PlainRegion; ipAdapterScale?: number };

/** A region as JSON has it. */
export type PlainRegion = { left: number; top: number; right: number; bottom: number };

export function plainRegion({ left, top, right, bottom }: Region): PlainRegion {
  return { left: unsignedZero(left), top: unsignedZero(top), right, bottom };
}

/** JSON knows one zero only. */
export function unsignedZero(value: number): number {
  return value === 0 ? 0 : value;
}

/** One of `count` equal columns, from left to right, as high as the picture. */
function column(at: number, count: number): Region {
  return { left: at / count, top: 0, right: (at + 1) / count, bottom: 1 };
}

function toRegion(region: Region | null | undefined): Region | undefined {
  return isAbsent(region) ? undefined : plainRegion(region);
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
