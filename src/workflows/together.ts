import { CancellationScope, patched } from '@temporalio/workflow';

/** In histories that began without it, others are cancelled in another order, or not at all. */
const SIBLINGS_END = 'siblings-end-with-the-first-failure';

/**
 * As Promise.all, but nothing goes on behind it: when one fails, the others are cancelled and waited for. Clean-up follows,
 * and finds what it removes by listing; a sibling that still runs would make the next resource after it has looked.
 */
export function together<T extends readonly unknown[]>(
  works: { readonly [K in keyof T]: () => Promise<T[K]> },
): Promise<T>;
export function together<T>(works: readonly (() => Promise<T>)[]): Promise<readonly T[]>;
export function together(works: readonly (() => Promise<unknown>)[]): Promise<readonly unknown[]> {
  if (!patched(SIBLINGS_END)) return Promise.all(works.map((work) => work()));
  const scope = new CancellationScope();
  return scope.run(async () => {
    const running = works.map((work) => work());
    try {
      return await Promise.all(running);
    } catch (error) {
      scope.cancel();
      await Promise.allSettled(running);
      throw error;
    }
  });
}
