/**
 * AWS's wildcards: `*` any text, `?` one character. A backslash takes the next character as it is (EC2, "Filter your
 * resources"); IAM has no such escape, but none of the actions and ids it is asked about has a backslash either.
 *
 * A failed match goes back to the last `*` alone, so patterns cost at most their length times the text's: a regular
 * expression takes exponential time for some.
 */
export function globMatches(pattern: string, text: string): boolean {
  const tokens = readTokens(pattern);
  const characters = [...text];
  let [token, at] = [0, 0];
  let star: { token: number; at: number } | undefined;
  while (at < characters.length) {
    const expected = tokens[token];
    if (expected === ANY_TEXT) {
      star = { token: ++token, at };
    } else if (expected === ANY_CHARACTER || expected === characters[at]) {
      token++;
      at++;
    } else {
      if (star === undefined) return false;
      star = { token: star.token, at: star.at + 1 };
      ({ token, at } = star);
    }
  }
  return tokens.slice(token).every((rest) => rest === ANY_TEXT);
}

const ANY_TEXT = Symbol('*');
const ANY_CHARACTER = Symbol('?');

function readTokens(pattern: string): (string | symbol)[] {
  // A backslash at the end has nothing to take: it stands for itself.
  return (pattern.match(/\\.|./gsu) ?? []).map((piece) => {
    if (piece === '*') return ANY_TEXT;
    if (piece === '?') return ANY_CHARACTER;
    return piece.length > 1 && piece.startsWith('\\') ? piece.slice(1) : piece;
  });
}
