import { expect, test } from 'vitest';
import { readFailure } from '../../../src/cli/failure.ts';

const grpc = (code: number, details: string) =>
  Object.assign(new Error('Failed to start Workflow'), {
    name: 'ServiceError',
    cause: Object.assign(new Error(details), { code }),
  });
const native = (code: string) =>
  Object.assign(
    new Error(
      `Namespace nowhere was not found: Status { code: ${code}, message: "Namespace nowhere is not found.", details: b"\\x08\\x05" }`,
    ),
    { name: 'TransportError' },
  );

test.each([
  { what: 'a namespace that is not there', error: grpc(5, '5 NOT_FOUND: Namespace nowhere is not found.') },
  {
    what: 'the same, in words of the client',
    error: Object.assign(new Error("Namespace not found: 'nowhere'"), { name: 'NamespaceNotFoundError' }),
  },
  { what: 'the same, of a worker', error: native('NotFound') },
  { what: 'an API key that has expired', error: grpc(16, '16 UNAUTHENTICATED: Request unauthorized.') },
  { what: 'the same, of a worker', error: native('Unauthenticated') },
  { what: 'an API key without the permission', error: grpc(7, '7 PERMISSION_DENIED: Request unauthorized.') },
])('$what is no bug of ours, and the remedy names the variables', ({ error }) => {
  const { code, message, remedy } = readFailure(error);
  expect(code).toBe('TemporalRefused');
  expect(message).not.toContain('Status {');
  expect(remedy).toContain('TEMPORAL_NAMESPACE');
});

test.each([
  { what: 'a server that is not there', error: grpc(14, '14 UNAVAILABLE: No connection established') },
  { what: 'the same, of a worker', error: native('Unavailable') },
])('$what does not answer', ({ error }) => {
  expect(readFailure(error).code).toBe('TemporalUnreachable');
});
