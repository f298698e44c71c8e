import { SetMetadata } from '@nestjs/common';

export const IS_PUBLIC = 'auth:is-public';

/** Answers without a credential. Only the service's name and its health pages may: everything else is denied by default. */
export const Public = () => SetMetadata(IS_PUBLIC, true);
