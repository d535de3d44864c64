/** An answer that AWS would give as an error; each wire front end renders it in its service's form. */
export class CloudError extends Error {
  readonly code: string;
  readonly httpStatus: number;
  /** EBS errors carry one (`INVALID_BLOCK_TOKEN`, …); it becomes the body's `Reason`. */
  readonly reason: string | undefined;

  constructor(
    code: string,
    message: string,
    { httpStatus = 400, reason }: { httpStatus?: number; reason?: string } = {},
  ) {
    super(message);
    this.name = 'CloudError';
    this.code = code;
    this.httpStatus = httpStatus;
    this.reason = reason;
  }
}

/** A parameter that exists on AWS and that this cloud does not act on: refused, never ignored. */
export function unsupported(what: string): CloudError {
  return new CloudError('UnsupportedOperation', `The local cloud does not implement ${what}.`);
}

export function invalidValue(name: string, value: string, why = 'is invalid'): CloudError {
  return new CloudError('InvalidParameterValue', `Value (${value}) for parameter ${name} ${why}`);
}
