// @ts-check

/**
 * What a step found: shown on its line. `cached` means that nothing had to be done.
 * @template T
 * @typedef {{ result: T, found: string, cached: boolean }} StepOutcome
 */

/** A step that runs longer than this is announced, so that nobody watches a silent screen. */
const ANNOUNCE_AFTER_MS = 1_500;

/**
 * One line per step: what it is, what was found or made, how long it took.
 * @param {{ write: (text: string) => void, now: () => number }} out
 */
export function createSteps({ write, now }) {
  /**
   * @template T
   * @param {string} name
   * @param {(note: (text: string) => void) => Promise<StepOutcome<T>>} work
   * @returns {Promise<T>}
   */
  return async function step(name, work) {
    const startedAt = now();
    /** @param {string} text */
    const note = (text) => write(`  ${name.padEnd(20)} … ${text}\n`);
    const announce = setTimeout(() => note('working'), ANNOUNCE_AFTER_MS);
    try {
      const { result, found, cached } = await work((text) => {
        clearTimeout(announce); // its own words say more
        note(text);
      });
      write(`  ${name.padEnd(20)} ${found.padEnd(64)} ${cached ? 'cached' : formatSeconds(now() - startedAt)}\n`);
      return result;
    } finally {
      clearTimeout(announce);
    }
  };
}

/** @param {number} ms */
export function formatSeconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
