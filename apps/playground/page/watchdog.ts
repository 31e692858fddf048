/** Milliseconds within which the worker should answer. */
const GRACE = 3000;

/** What a {@linkcode Watchdog} watches with. */
export interface WatchdogOptions {
  /** Asks for an answer. */
  readonly ping: () => void;
  /** Called if none comes in time. */
  readonly onSilence: () => void;
  /** Calls a function after some milliseconds, unless the returned function is called first. Tests pass their own. */
  readonly after?: (milliseconds: number, then: () => void) => () => void;
}

/** Notices a worker that does not answer, because it is in the middle of a long step. */
export class Watchdog {
  readonly #options: Required<WatchdogOptions>;
  #isUp = false;
  #cancel: (() => void) | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = { after: afterTimeout, ...options };
  }

  /** Call it when the worker has sent something; before that it may still be loading, so nothing is expected of it. */
  up(): void {
    this.#isUp = true;
  }

  /** Expects an answer within the grace time. */
  expect(): void {
    if (!this.#isUp || this.#cancel !== undefined) return;
    const { ping, onSilence, after } = this.#options;
    this.#cancel = after(GRACE, () => {
      this.#cancel = undefined;
      this.#isUp = false;
      onSilence();
    });
    ping();
  }

  /** Call it when the answer comes. */
  answered(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

function afterTimeout(milliseconds: number, then: () => void): () => void {
  const timer = setTimeout(then, milliseconds);
  return () => clearTimeout(timer);
}
