// @ts-check
/** A stop of the set-up that a person can act on: what is wrong, then what to type or change. */
export class SetupError extends Error {
  /**
   * @param {string} problem one sentence without a full stop
   * @param {string} remedy one sentence without a full stop
   */
  constructor(problem, remedy) {
    super(`${problem}. Remedy: ${remedy}.`);
    this.name = 'SetupError';
    this.problem = problem;
    this.remedy = remedy;
  }
}
