import { sharedMemoryFor, SharedRanks } from "./_shared_ranks.ts";
import type { Communicator } from "./communicator.ts";

const READY = "unfold: ready";
const NAME = /^unfold rank (\d+) of (\d+)$/;

/** Which rank this Worker was started as, if it was. */
export function startedAs(): { rank: number; size: number } | undefined {
  const found = NAME.exec((globalThis as { name?: string }).name ?? "");
  return found === null ? undefined : { rank: Number(found[1]), size: Number(found[2]) };
}

/** Runs a module in size − 1 Workers, which become the ranks behind this one as soon as they call {@linkcode joinWorkers}. */
export async function startWorkers(
  module: string,
  { size, timeout }: { size: number; timeout: number },
): Promise<Communicator> {
  const shared = sharedMemoryFor(size);
  const workers = Array.from(
    { length: size - 1 },
    (_, i) => new Worker(module, { type: "module", name: `unfold rank ${i + 1} of ${size}` }),
  );
  const ready = workers.map((worker) =>
    new Promise<void>((resolve) =>
      worker.addEventListener("message", ({ data }) => data === READY && resolve(), { once: true })
    )
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(
      `Cannot connect: ${module} must call connect() in each of ${size - 1} Workers within ${timeout} s, and did not`,
    );
    timer = setTimeout(() => reject(error), 1000 * timeout);
  });
  await Promise.race([Promise.all(ready), late]).finally(() => clearTimeout(timer));
  for (const worker of workers) worker.postMessage(shared);
  const onClose = () => workers.forEach((worker) => worker.terminate());
  return new SharedRanks(shared, { rank: 0, size, timeout, onClose });
}

/** Takes part as the rank that this Worker was started as. */
export async function joinWorkers(options: { rank: number; size: number; timeout: number }): Promise<Communicator> {
  const shared = new Promise<SharedArrayBuffer>((resolve) =>
    addEventListener("message", (event) => resolve((event as MessageEvent).data), { once: true })
  );
  (globalThis as unknown as { postMessage(message: string): void }).postMessage(READY);
  const ranks = new SharedRanks(await shared, options);
  addEventListener("unload", () => ranks.leave());
  return ranks;
}
