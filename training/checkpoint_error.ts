/** A checkpoint that cannot be written, read or used; the message says why. */
export class CheckpointError extends Error {
  /** `CheckpointError`. */
  override readonly name = "CheckpointError";
}
