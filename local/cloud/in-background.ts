/** For work that nobody waits for: a failure goes to the log, never up as an unhandled rejection that ends the cloud. */
export function inBackground(what: string, work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`local cloud: ${what} failed: ${text}\n`);
  });
}
