import { DomainError } from '../../errors/domain-error.js';
import {
  IllustrationKind as WireKind,
  type IllustrateRequest,
} from '../../generated/autobio/illustration/v1/illustration.js';
import {
  IllustrationRequest,
  type IllustrationDefaults,
  type IllustrationKind,
} from '../domain/illustration-request.js';

/**
 * The request in the domain's words. The domain's own rules are the limits, as they are over REST.
 *
 * @throws DomainError `validation-failed`
 */
export function toIllustrationRequest(message: IllustrateRequest, defaults: IllustrationDefaults): IllustrationRequest {
  const kind = toKind(message.kind);
  if (kind === 'subject' && message.prompt !== undefined) throw invalid('prompt', 'is not a field of a portrait');
  const { kind: _, requestId: __, ...fields } = message;
  return IllustrationRequest.create(kind, fields, defaults);
}

function toKind(kind: WireKind): IllustrationKind {
  switch (kind) {
    case WireKind.ILLUSTRATION_KIND_MEMORY:
      return 'memory';
    case WireKind.ILLUSTRATION_KIND_SUBJECT:
      return 'subject';
    case WireKind.ILLUSTRATION_KIND_UNSPECIFIED:
    case WireKind.UNRECOGNIZED:
    default:
      throw invalid('kind', 'must be ILLUSTRATION_KIND_MEMORY or ILLUSTRATION_KIND_SUBJECT');
  }
}

function invalid(field: string, rule: string): DomainError {
  const detail = `${field} ${rule}`;
  return new DomainError('validation-failed', detail, { violations: [{ pointer: `/${field}`, detail }] });
}
