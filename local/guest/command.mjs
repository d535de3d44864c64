import { spawn } from 'node:child_process';

/** A step of the build that failed: names the command and shows the end of what it said. */
export class GuestBuildError extends Error {
  constructor(message, details = {}) {
    super(message, details);
    this.name = 'GuestBuildError';
  }
}

// The last lines say what went wrong; a whole apt or tar log would hide it.
const SHOWN_OUTPUT_CHARACTERS = 2000;

/** Runs one program to its end and resolves with its standard output as text. */
export async function run(program, args, { cwd, env, input } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, LC_ALL: 'C', ...env }, stdio: 'pipe' });
  const output = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk) => output.stdout.push(chunk));
  child.stderr.on('data', (chunk) => output.stderr.push(chunk));
  child.stdin.on('error', () => {}); // a program that ends before it has read everything reports by its exit code
  child.stdin.end(input);
  const code = await ended(child, program, args);
  const stdout = Buffer.concat(output.stdout).toString('utf8');
  if (code === 0) return stdout;
  const said = `${Buffer.concat(output.stderr).toString('utf8')}${stdout}`.trim().slice(-SHOWN_OUTPUT_CHARACTERS);
  throw new GuestBuildError(`guest image: "${describe(program, args)}" failed (${code}):\n${said}`);
}

function ended(child, program, args) {
  return new Promise((resolve, reject) => {
    child.on('error', (cause) => {
      const reason = cause.code === 'ENOENT' ? 'is not installed' : `cannot be started (${cause.message})`;
      reject(
        new GuestBuildError(`guest image: ${program} ${reason}; needed for "${describe(program, args)}"`, { cause }),
      );
    });
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
}

function describe(program, args) {
  const line = [program, ...args].join(' ');
  return line.length > 300 ? `${line.slice(0, 300)} …` : line;
}
