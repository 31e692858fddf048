import type { Communicator } from "@unfold/distributed";
import { isGranted, process } from "./host.ts";
import type { Sizes } from "./sizes.ts";

/** Bytes that the engine's memory can have. */
const ENGINE = 2 ** 32;
/** Copies of the weights in the engine's memory: the weights, their gradients, and two slots of the optimizer. */
const COPIES = 4;
/** Those of a trained network: the weights, and room for gradients. */
const COPIES_KEPT = 2;
/** Further copies outside of it: the weights of the best epoch, and a file that is being written. */
const COPIES_OUTSIDE = 2;
/** Bytes that a rank takes besides. */
const BASE = 64 * 2 ** 20;

/**
 * Checks before a network is made that training it fits into the engine's memory and into what the machine has free. This is
 * an estimate for common optimizers, so as to fail at once with a figure instead of late without one.
 *
 * @param sizes The network.
 * @param options What to lower, the ranks, other networks, and the bytes that the machine has free.
 * @throws {RangeError} If it does not fit.
 */
export function checkMemory(
  { weights, step }: Sizes,
  { lower, communicator: { size }, others = 0, free = freeMemory() }: {
    /** Options, in words. */
    readonly lower: string;
    readonly communicator: Pick<Communicator, "size">;
    /** Trained networks of this size that are kept. */
    readonly others?: number;
    readonly free?: number | undefined;
  },
): void {
  const kept = others === 0 ? 0 : COPIES_KEPT * others * weights;
  const refuse = (bytes: number, where: string, limit: number) => {
    throw new RangeError(
      `Cannot train: the network must fit into ${where}, ${inGiB(limit)}, got about ${inGiB(bytes)} ` +
        `(${inGiB(4 * COPIES * weights)} for ${
          weights.toLocaleString("en")
        } weights with gradients and optimizer state, ` +
        `${inGiB(4 * step)} for a batch${others === 0 ? "" : `, ${inGiB(4 * kept)} for ${others} other networks`}); ` +
        `lower ${lower}`,
    );
  };
  const inEngine = 4 * (COPIES * weights + kept + step / size);
  if (inEngine > ENGINE) refuse(inEngine, "the memory of the engine", ENGINE);
  // Other ranks may be on other machines, so each checks for itself.
  const all = 4 * ((COPIES + COPIES_OUTSIDE) * weights + kept) + BASE + 4 * step / size;
  if (free !== undefined && all > free) refuse(all, "the memory that this machine has free", free);
}

/**
 * Checks before a model is applied to batches that these fit into the engine's memory.
 *
 * @param doing What it is for, as it follows "Cannot" in the message.
 * @param step The floats of a training step; without gradients it takes half of them.
 * @throws {RangeError} If they do not fit.
 */
export function checkBatch(
  doing: string,
  { step }: Pick<Sizes, "step">,
  { lower, free = freeMemory() ?? Infinity }: { readonly lower: string; readonly free?: number },
): void {
  const bytes = 4 * step / 2;
  const limit = Math.min(ENGINE, free);
  if (bytes <= limit) return;
  throw new RangeError(
    `Cannot ${doing}: a batch must fit into ${inGiB(limit)} of memory, got about ${inGiB(bytes)}; lower ${lower}`,
  );
}

/** The memory that this machine has free, in bytes; undefined if it is not known. It does not prompt for a permission. */
function freeMemory(): number | undefined {
  if (!isGranted({ name: "sys", kind: "systemMemoryInfo" })) return undefined;
  if (typeof Deno !== "undefined") return Deno.systemMemoryInfo().available;
  // What Node calls available on macOS leaves out what the system can free at once.
  return process?.platform === "darwin" ? undefined : process?.availableMemory();
}

function inGiB(bytes: number): string {
  const gibibytes = bytes / 2 ** 30;
  const digits = gibibytes < 10 ? 1 : 0;
  return `${gibibytes.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits })} GiB`;
}
