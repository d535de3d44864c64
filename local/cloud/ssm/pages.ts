import { CloudError } from '../cloud-error.ts';

interface PageWish {
  readonly size: number;
  readonly token: string | undefined;
}

/** Pages by the id of the last item shown, so that what is added meanwhile skips nothing. */
export function pageOf<T extends { readonly id: string }>(items: readonly T[], { size, token }: PageWish) {
  const after = token === undefined ? -1 : items.findIndex(({ id }) => id === readToken(token));
  if (token !== undefined && after === -1) throw invalidToken();
  const shown = items.slice(after + 1, after + 1 + size);
  const last = shown.at(-1);
  const isLast = last === undefined || after + 1 + shown.length >= items.length;
  return { items: shown, next: isLast ? {} : { NextToken: Buffer.from(last.id).toString('base64url') } };
}

function readToken(token: string): string {
  return Buffer.from(token, 'base64url').toString();
}

function invalidToken(): CloudError {
  return new CloudError('InvalidNextToken', 'The specified token is not valid');
}
