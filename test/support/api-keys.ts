/** What only the owner of an API key knows: all after its id. It may have underscores of its own. */
export function secretPartOf(key: string): string {
  return key.split('_').slice(2).join('_');
}
