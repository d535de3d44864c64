export class GuestBuildError extends Error {}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

export function run(program: string, args: readonly string[], options?: RunOptions): Promise<string>;
