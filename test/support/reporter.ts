import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node';

/** How the runner called the test says nothing about why it failed. */
const RUNNER_FRAME = /^\s*at .*\/node_modules\/(vitest|vite)\//;

/** What a run came to. A test that did not run counts as failed: nobody may rely on what was skipped. */
export interface Tally {
  passed: number;
  failed: number;
  readonly files: FileCost[];
}

/** Of tests and hooks; files that ran side by side each count in full. */
export interface FileCost {
  readonly file: string;
  readonly seconds: number;
}

export function newTally(): Tally {
  return { passed: 0, failed: 0, files: [] };
}

/** One line per file and, for what failed, where and why; counts into `tally` over several runs. */
export function createReporter(tally: Tally, write: (text: string) => void): Reporter {
  return {
    // What a test measured, such as the memory of a worker.
    onUserConsoleLog: ({ content }) => write(content),
    onTestModuleEnd(module) {
      const tests = [...module.children.allTests()];
      const broken = failuresOf(module);
      tally.passed += tests.filter((test) => test.result().state === 'passed').length;
      tally.failed += broken.length;
      const seconds = module.diagnostic().duration / 1000;
      tally.files.push({ file: module.relativeModuleId, seconds });
      const [mark, count] =
        broken.length === 0 ? ['ok  ', tests.length] : ['FAIL', `${broken.length} failed of ${tests.length}`];
      write(`${mark} ${module.relativeModuleId}  ${count}  ${seconds.toFixed(1)} s\n`);
      for (const { name, errors } of broken) write([`     ${name}`, ...errors.map(describeError), ''].join('\n'));
    },
    onTestRunEnd(_modules, unhandledErrors) {
      tally.failed += unhandledErrors.length;
      for (const error of unhandledErrors) write(`FAIL outside any test\n${describeError(error)}\n`);
    },
  };
}

interface Failure {
  readonly name: string;
  readonly errors: readonly SerializedError[];
}

function failuresOf(module: TestModule): Failure[] {
  const failures: Failure[] = [];
  if (module.errors().length > 0) failures.push({ name: 'the file itself', errors: module.errors() });
  for (const suite of module.children.allSuites()) failures.push(...suiteFailures(suite));
  for (const test of module.children.allTests()) failures.push(...testFailures(test));
  if (failures.length === 0 && module.children.size === 0) failures.push({ name: 'no test in the file', errors: [] });
  return failures;
}

function suiteFailures(suite: TestSuite): Failure[] {
  return suite.errors().length === 0 ? [] : [{ name: suite.fullName, errors: suite.errors() }];
}

function testFailures(test: TestCase): Failure[] {
  const result = test.result();
  if (result.state === 'passed') return [];
  if (result.state === 'failed') return [{ name: test.fullName, errors: result.errors }];
  return [{ name: `${test.fullName} (skipped, which counts as failed)`, errors: [] }];
}

function describeError({ message, stack, diff }: SerializedError): string {
  // The stack begins with the message unless the error came from another realm.
  const text = stack?.includes(message) ? stack : `${message}\n${stack ?? ''}`;
  const lines = text
    .trim()
    .split('\n')
    .filter((line) => !RUNNER_FRAME.test(line));
  return [...lines, ...(typeof diff === 'string' ? diff.split('\n') : [])].map((line) => `       ${line}`).join('\n');
}
