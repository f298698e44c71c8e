import { catalogue } from './catalogue.js';
import type { Reason } from './reason.js';

/** `ErrorInfo.domain` of every error of this service. */
export const ERROR_DOMAIN = 'illustration.autobio';

/** `avatar-not-found` -> `AVATAR_NOT_FOUND`, as `google.rpc.ErrorInfo.reason` carries it. */
export function toWireReason(reason: Reason): string {
  return reason.toUpperCase().replaceAll('-', '_');
}

/** `AVATAR_NOT_FOUND` -> `avatar-not-found`; undefined for a name this gateway does not know. */
export function fromWireReason(name: string): Reason | undefined {
  const slug = name.toLowerCase().replaceAll('_', '-');
  return isReason(slug) && toWireReason(slug) === name ? slug : undefined;
}

/** Is this text one of the slugs? */
export function isReason(slug: string): slug is Reason {
  return Object.hasOwn(catalogue, slug);
}
