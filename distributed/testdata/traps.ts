/**
 * Ranks whose last one misbehaves.
 *
 *     deno run distributed/testdata/traps.ts <what> [library]
 */

import { connect } from "@unfold/distributed";

const [what, library] = Deno.args as [string, string | undefined];
const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
const number = Number(Deno.env.get("OMPI_COMM_WORLD_RANK") ?? Deno.env.get("PMI_RANK"));

if (what === "dies early" && number === 1) Deno.exit(0);
/** Seconds, where the test waits for the timeout; the others must not time out on a busy machine either. */
const TIMEOUTS: Record<string, number> = { "dies early": 2, "never comes": 5, "does not end": 5 };
const communicator = await connect({ timeout: TIMEOUTS[what] ?? 60, ...(library && { library }) });
const misbehaves = communicator.rank === communicator.size - 1;

switch (what) {
  case "leaves without a word":
    if (misbehaves) Deno.exit(0);
    await communicator.barrier();
    break;
  case "throws":
    // While it waits for the other rank.
    if (misbehaves) {
      setTimeout(() => {
        throw new Error("thrown on purpose");
      }, 100);
      await communicator.barrier();
    } else await sleep(20);
    break;
  case "rejects":
    if (misbehaves) {
      setTimeout(() => Promise.reject(new Error("rejected on purpose")), 100);
      await communicator.barrier();
    } else await sleep(20);
    break;
  case "fails":
    if (misbehaves) throw new Error("failed on purpose");
    await communicator.barrier();
    break;
  case "never comes":
    if (misbehaves) await sleep(20);
    await communicator.barrier();
    break;
  case "comes late": {
    let [ticks, signals] = [0, 0];
    const timer = setInterval(() => ticks++, 10);
    const listener = () => signals++;
    Deno.addSignalListener("SIGUSR2", listener);
    if (misbehaves) await sleep(3);
    else setTimeout(() => Deno.kill(Deno.pid, "SIGUSR2"), 300);
    const late = communicator.allReduce(Float32Array.of(1), "sum");
    if (!misbehaves) await communicator.barrier().catch((error) => console.log(error.message));
    await late;
    clearInterval(timer);
    if (!misbehaves) console.log(`${ticks >= 5 ? "timers" : ticks} and ${signals} signal worked`);
    Deno.removeSignalListener("SIGUSR2", listener);
    break;
  }
  case "does not end":
    if (misbehaves) {
      await communicator.barrier();
      await sleep(10);
    }
    break;
}
await communicator.close();
console.log(`closed ${communicator.rank}`);
