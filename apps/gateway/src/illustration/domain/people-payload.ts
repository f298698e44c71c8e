import type { PersonValues, Region } from './illustration-values.js';
import { number, text, type Payload } from './payload-members.js';
import { plainRegion, type PlainRegion } from './people.js';

/** One of the people as a job carries them. */
export type PersonPayload = { user_id: string; region?: PlainRegion; ip_adapter_scale: number };

export function toPeoplePayload(people: readonly PersonValues[]): PersonPayload[] {
  return people.map(({ userId, region, ipAdapterScale }) => ({
    user_id: userId,
    ...(region && { region: plainRegion(region) }),
    ip_adapter_scale: ipAdapterScale,
  }));
}

/** @throws Error when `toPeoplePayload` did not make it */
export function fromPeoplePayload(people: unknown): PersonValues[] | undefined {
  if (people === undefined || people === null) return undefined;
  if (!Array.isArray(people)) throw new Error('a job whose people are no list');
  return people.map((person: unknown) => {
    if (!isObject(person)) throw new Error('a job one of whose people is none');
    return {
      userId: text(person, 'user_id'),
      region: toRegion(person['region']),
      ipAdapterScale: number(person, 'ip_adapter_scale'),
    };
  });
}

function toRegion(region: unknown): Region | undefined {
  if (region === undefined || region === null) return undefined;
  if (!isObject(region)) throw new Error('a job one of whose regions is none');
  return {
    left: number(region, 'left'),
    top: number(region, 'top'),
    right: number(region, 'right'),
    bottom: number(region, 'bottom'),
  };
}

function isObject(value: unknown): value is Payload {
  return typeof value === 'object' && value !== null;
}
