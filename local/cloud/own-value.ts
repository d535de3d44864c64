/** What an object itself holds under a key that a caller chose: `constructor` and its kin lie on its prototype. */
export function ownValue<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
