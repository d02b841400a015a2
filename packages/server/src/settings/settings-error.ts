import { StartError } from '../start-error.ts';

/** Settings that are unknown or wrong: one line each, naming where it is, which it is and what was expected. */
export class SettingsError extends StartError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options: ErrorOptions = {}) {
    super('InvalidSettings', problems.join('\n'), options);
    this.name = 'SettingsError';
    this.problems = problems;
  }
}
