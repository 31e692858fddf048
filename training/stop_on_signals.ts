/** What {@linkcode stopOnSignals} returns: disposing of it lets signals act as they do by default. */
export interface SignalStop extends Disposable {
  /** Aborted by the first signal; for `train()`. */
  readonly signal: AbortSignal;
  /** What the process should exit with: 130 after SIGINT, 143 after SIGTERM, undefined without either. */
  readonly exitCode: number | undefined;
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Lets a run end in order: the first SIGINT (Ctrl-C) or SIGTERM aborts a signal, on which `train()` finishes its step, writes a
 * checkpoint and ends; a second SIGINT leaves at once.
 *
 * @example
 * ```ts
 * import { stopOnSignals } from "@unfold/training";
 * import assert from "node:assert/strict";
 *
 * using stop = stopOnSignals();
 * assert.deepEqual([stop.signal.aborted, stop.exitCode], [false, undefined]);
 * ```
 */
export function stopOnSignals(): SignalStop {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const listeners = Object.entries(EXIT_CODES).map(([name, code]) => {
    const listener = () => {
      if (name === "SIGINT" && controller.signal.aborted) Deno.exit(code);
      exitCode ??= code;
      controller.abort(`the process received ${name}`);
    };
    Deno.addSignalListener(name as Deno.Signal, listener);
    return () => Deno.removeSignalListener(name as Deno.Signal, listener);
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: () => listeners.forEach((remove) => remove()),
  };
}
