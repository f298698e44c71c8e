import { DomainError } from '../../errors/domain-error.js';
import { IllustrationKind as WireKind } from '../../generated/autobio/illustration/v1/job.js';
import {
  IpAdapterMode as WireMode,
  type IllustrateRequest,
} from '../../generated/autobio/illustration/v1/illustration.js';
import {
  IllustrationRequest,
  type IllustrationDefaults,
  type IllustrationKind,
} from '../domain/illustration-request.js';
import { ipAdapterModes, type IpAdapterMode } from '../domain/illustration-values.js';

/**
 * The request in the domain's words. The domain's own rules are the limits, as they are over REST.
 *
 * @throws DomainError `validation-failed`
 */
export function toIllustrationRequest(message: IllustrateRequest, defaults: IllustrationDefaults): IllustrationRequest {
  const kind = toKind(message.kind);
  if (kind === 'subject' && message.prompt !== undefined) throw invalid('prompt', 'is not a field of a portrait');
  const { kind: _, requestId: __, noCache: ___, people, ipAdapterMode, ...fields } = message;
  return IllustrationRequest.create(
    kind,
    {
      ...fields,
      ipAdapterMode: ipAdapterMode === undefined ? undefined : toMode(ipAdapterMode),
      // An empty list is what an absent one looks like here.
      people: people.length === 0 ? undefined : people,
    },
    defaults,
  );
}

const modes: ReadonlyMap<WireMode, IpAdapterMode | undefined> = new Map([
  [WireMode.IP_ADAPTER_MODE_UNSPECIFIED, undefined],
  [WireMode.IP_ADAPTER_MODE_FULL, 'full'],
  [WireMode.IP_ADAPTER_MODE_STYLE, 'style'],
  [WireMode.IP_ADAPTER_MODE_LAYOUT, 'layout'],
  [WireMode.IP_ADAPTER_MODE_STYLE_LAYOUT, 'style_layout'],
]);

function toMode(mode: WireMode): IpAdapterMode | undefined {
  if (!modes.has(mode)) throw invalid('ip_adapter_mode', `must be one of ${ipAdapterModes.join(', ')}`);
  return modes.get(mode);
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
