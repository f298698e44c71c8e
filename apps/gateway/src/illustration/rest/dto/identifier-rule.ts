import { ValidateBy } from 'class-validator';

import { identifierRule, isIdentifier } from '../../domain/identifier.js';

/** The domain's rule for `user_id` and `lora_id`. */
export function IsIdentifier(): PropertyDecorator {
  return ValidateBy({
    name: 'isIdentifier',
    validator: {
      validate: (value: unknown) => typeof value === 'string' && isIdentifier(value),
      defaultMessage: () => `$property must be ${identifierRule}`,
    },
  });
}
