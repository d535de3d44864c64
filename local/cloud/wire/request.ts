import type { Cloud } from '../cloud.ts';

/** A request whose signature is proven. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** SHA-256 of the body, computed once per request. */
  readonly bodySha256: () => Buffer;
  readonly accessKeyId: string;
  readonly requestId: string;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  /** Called once the body is on its way, or nobody wants it any more: its memory may be used again. */
  readonly release?: () => void;
}

/** One AWS service's wire form. */
export interface WireService {
  /** What is asked for, for the log, denials and throttles; undefined if the request names nothing known. */
  answer(cloud: Cloud, request: WireRequest): Promise<WireAnswer>;
  /** An error in this service's form. */
  refuse(
    error: {
      readonly code: string;
      readonly message: string;
      readonly httpStatus: number;
      readonly reason?: string | undefined;
    },
    requestId: string,
  ): WireAnswer;
}

/** The fields of a Query request: in the form that it carries, in its line, or in both. */
export function queryFields({ query, body }: WireRequest): [string, string][] {
  return [...query, ...new URLSearchParams(body.toString('utf8'))];
}

export function oneHeader(headers: WireRequest['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
