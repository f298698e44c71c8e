import type { Response } from 'express';

import { DomainError } from '../../errors/domain-error.js';

/**
 * A signal that is aborted when the client leaves before its reply is complete. A plain handler does not notice, and
 * nobody would look at a picture that still costs GPU seconds.
 */
export function clientPresence(response: Response): AbortSignal {
  const presence = new AbortController();
  const onClose = (): void => {
    if (!response.writableFinished) presence.abort(new DomainError('canceled', 'The client left.'));
  };
  // It may have left while its body was read.
  if (response.closed) onClose();
  else response.once('close', onClose);
  return presence.signal;
}
