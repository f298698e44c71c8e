/** The domain's rule for `user_id` and `lora_id`, as OpenAPI has it. */
export const identifierSchema = {
  type: String,
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$',
  maxLength: 128,
} as const;
