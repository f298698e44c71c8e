import { z } from 'zod';

/** "true"/"1" and "false"/"0", as the prototype's settings library read them. */
export const flag = z
  .enum(['true', 'false', '1', '0', 'True', 'False'])
  .transform((value) => value.toLowerCase() === 'true' || value === '1');

export const integer = (min: number, max: number) => z.coerce.number().int().min(min).max(max);
