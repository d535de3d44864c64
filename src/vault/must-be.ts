import { FormatError } from '../errors.ts';

/** Checks of decoders: any bytes give a valid object or a FormatError that names the field. */

export function mustBe<T extends string | number | bigint>(field: string, found: T, wanted: T): void {
  if (found !== wanted) throw new FormatError(`${field} is ${found}, must be ${wanted}`);
}

export function mustBeWithin(field: string, found: number, min: number, max: number): void {
  if (!(found >= min && found <= max)) throw new FormatError(`${field} is ${found}, must be ${min} to ${max}`);
}

/** Says in which object the error lies; other errors pass unchanged. */
export function naming<T>(object: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof FormatError) || error.context.object !== undefined) throw error;
    throw new FormatError(`${object}: ${error.message}`, { context: { ...error.context, object }, cause: error });
  }
}
