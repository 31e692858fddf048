/**
 * Messages of the JavaScript engine that begin as ours do and may have a colon, whole, so that no name of a file or a column
 * makes a message of ours look like one.
 */
const ENGINE_MESSAGES = [
  /^Cannot (?:read|set) properties of (?:undefined|null) \((?:reading|setting) '.*'\)$/s,
  /^Cannot destructure .* as it is (?:undefined|null)\.$/s,
  /^Cannot (?:use 'in' operator|(?:assign to read only|create|define|delete|add|set|redefine) property)\b/,
  /^Cannot convert .* to a BigInt$/s,
];

/**
 * Whether an error is one that this project throws on purpose, about its input: "Cannot X: Y must be …". Its message says all
 * that the user needs; any other error is a bug, for which the stack matters.
 */
export function isOwnError(error: unknown): error is Error {
  return error instanceof Error && /^Cannot .+?: /s.test(error.message) &&
    !ENGINE_MESSAGES.some((pattern) => pattern.test(error.message));
}
