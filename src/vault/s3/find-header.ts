/** A header of an answer as the AWS SDK keeps it (`result.response`, `error.$response`); undefined for what is none. */
export function findHeader(response: unknown, name: string): string | undefined {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return undefined;
  const headers = response.headers as Readonly<Record<string, string | undefined>>;
  return Object.entries(headers).find(([known]) => known.toLowerCase() === name)?.[1];
}
