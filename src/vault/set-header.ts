interface Command {
  /** Each client's commands have a stack of their own type; what is added here looks at the request's headers only. */
  readonly middlewareStack: object;
}

interface Sending {
  readonly request: { readonly headers: Record<string, string> };
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
      sending.request.headers[name] = value;
      return next(sending);
    },
    { step: 'build', name: `set ${name}` },
  );
}
