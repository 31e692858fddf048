import { Checkpoints } from "@unfold/training";

/** Says so where a run is to be gone on with that left no checkpoint: it was finished, or never begun. */
export async function sayIfNew(folder: string): Promise<void> {
  const found = await new Checkpoints({ folder }).list();
  if (found.length === 0) console.error(`${folder} has no checkpoint to go on from: training starts anew`);
}
