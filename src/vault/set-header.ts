interface Command {
  /** Each client's commands have a stack of their own type; what is added here looks at the request's headers only. */
  readonly middlewareStack: object;
}

interface Sending {
  readonly request: unknown;
}

interface Stack {
  add(
    middleware: (next: (sending: Sending) => unknown) => (sending: Sending) => unknown,
    place: { readonly step: 'build'; readonly name: string },
  ): void;
}

/** Has a command of the AWS SDK send a header that its input has no word for, or that the SDK would compute by itself. */
export function setHeader({ middlewareStack }: Command, name: string, value: string): void {
  (middlewareStack as Stack).add(
    (next) => (sending) => {
      if (hasHeaders(sending.request)) sending.request.headers[name] = value;
      return next(sending);
    },
    { step: 'build', name: `set ${name}` },
  );
}

function hasHeaders(request: unknown): request is { headers: Record<string, string> } {
  return typeof request === 'object' && request !== null && 'headers' in request;
}
