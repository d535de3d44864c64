/**
 * What the services of AWS that speak JSON call a request whose signature they do not take; EC2's and STS's words are
 * those of `sigv4.ts`. A signature that is too old is no error of its own to them ("Common Error Types" of KMS and of
 * Systems Manager; "Error codes" of the EBS direct APIs).
 */
const JSON_WORDS: Readonly<Record<string, string>> = {
  IncompleteSignature: 'IncompleteSignatureException',
  MissingAuthenticationToken: 'MissingAuthenticationTokenException',
  RequestExpired: 'InvalidSignatureException',
  SignatureDoesNotMatch: 'InvalidSignatureException',
};

/** The error's name as a service that speaks JSON says it. */
export function jsonErrorType(code: string): string {
  return JSON_WORDS[code] ?? code;
}
