const identifierPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** The rule in words, for messages: "`user_id` must be ...". */
export const identifierRule =
  '1 to 128 letters, digits, ".", "_" or "-", starting with a letter or digit, without ".."';

/**
 * Is `text` a legal `user_id` or `lora_id`? These become parts of object keys and of file paths, so the rule leaves no
 * room for a separator, a parent folder or a hidden file.
 */
export function isIdentifier(text: string): boolean {
  return identifierPattern.test(text) && !text.includes('..');
}
