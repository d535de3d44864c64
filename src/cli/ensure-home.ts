import { homedir } from 'node:os';

/**
 * A container may run as a user whom its /etc/passwd does not know, without HOME. Node and the AWS SDK then fail where they only
 * want to know where settings may lie. '/' is what container runtimes say themselves.
 */
export function ensureHome(env: NodeJS.ProcessEnv, readHome: () => string = homedir): void {
  try {
    readHome();
  } catch {
    env.HOME = '/';
  }
}
