/** The environment cannot be used. Each problem is one line that starts with the variable's name and holds no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly string[]) {
    super(problems.join('\n'));
  }
}
