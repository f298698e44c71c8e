import type { BadInput } from './bad-input.js';
import { badBodies } from './bodies.js';
import { badCalls } from './calls.js';
import { badFields } from './fields.js';
import { badMessages } from './messages.js';

/** Every wrong request that somebody thought of. */
export const corpus: BadInput[] = [...badFields, ...badBodies, ...badCalls, ...badMessages];
