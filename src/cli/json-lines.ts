import type { Output } from './deps.ts';
import type { Failure } from './failure.ts';

/**
 * What programs read on standard output: one object per line with its `type`. `progress` and `item` may come any number
 * of times; `result` is the last line, with `ok`.
 */
export interface JsonLines {
  progress(value: object): void;
  item(value: object): void;
  result(value: object): void;
  failure(failure: Failure): void;
}

export function jsonLines(stdout: Output): JsonLines {
  const write = (line: object) => void stdout.write(`${JSON.stringify(line)}\n`);
  return {
    progress: (value) => write({ ...value, type: 'progress' }),
    item: (value) => write({ ...value, type: 'item' }),
    result: (value) => write({ ...value, type: 'result', ok: true }),
    failure: (failure) => write({ ...failure, type: 'result', ok: false }),
  };
}
