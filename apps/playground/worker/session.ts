import { scope } from "@unfold/core";
import { clipByGlobalNorm, Optimizer } from "@unfold/optimizers";
import type { StepEvent, TrainEvent } from "@unfold/training";
import { OPTIMIZERS } from "../../shared/models.ts";
import type { ExportFormat, Preview, RunFacts } from "../messages.ts";
import type { Task } from "./task.ts";
import { type Unfolding, unfoldNetwork } from "./unfold_network.ts";

/** Steps from one look at what is held back to the next, and how many of the first steps have them closer together. */
const [VALIDATE_EVERY, OFTEN, EVERY_FIRST] = [50, 50, 10];
/** The norm that gradients are clipped to. */
const CLIP = 1;

/** One run: a task, its optimizer, and how far it is. What it computes depends on the settings alone, not on time. */
export class Session implements Disposable {
  readonly #task: Task;
  readonly #optimizer: Optimizer;
  readonly #events: AsyncGenerator<TrainEvent, void, undefined>;
  #losses: number[] = [];
  #validation: [step: number, loss: number][] = [];

  constructor(task: Task) {
    const { optimizer, rate } = task.settings;
    this.#task = task;
    this.#optimizer = new Optimizer(task.network.parameters(), [clipByGlobalNorm(CLIP), OPTIMIZERS[optimizer]()], {
      learningRate: rate,
    });
    this.#events = task.train(this.#optimizer);
  }

  /** What is known before the first step. */
  get facts(): RunFacts {
    const { settings, parameters, unit, logarithmic, floors, about } = this.#task;
    return { settings, parameters, unit, logarithmic, floors, about };
  }

  /** Steps that were made. */
  get steps(): number {
    return this.#optimizer.steps;
  }

  /** Takes a step. */
  async step(): Promise<void> {
    if (this.steps === 0 && this.#losses.length === 0) await this.#validate();
    this.#losses.push((await this.#nextStep()).loss * this.#task.scale);
    if (this.steps % (this.steps < OFTEN ? EVERY_FIRST : VALIDATE_EVERY) === 0) await this.#validate();
  }

  async #nextStep(): Promise<StepEvent> {
    while (true) {
      const { value: event, done } = await this.#events.next();
      if (done) throw new Error("Cannot go on: training has failed and must be reset");
      // Between two passes through the data there are other events.
      if (event.type === "step") return event;
    }
  }

  async #validate(): Promise<void> {
    this.#validation.push([this.steps, await this.#task.validate() * this.#task.scale]);
  }

  /** The losses since the last call. */
  takeLosses(): { readonly losses: Float64Array<ArrayBuffer>; readonly validation: [step: number, loss: number][] } {
    const taken = { losses: Float64Array.from(this.#losses), validation: this.#validation };
    [this.#losses, this.#validation] = [[], []];
    return taken;
  }

  /** What the network writes or forecasts as it stands. */
  preview(options: { readonly temperature: number }): Preview {
    return this.#task.preview(options);
  }

  /** The network unfolded as it stands; the run goes on as if nobody had looked. */
  unfold(): Unfolding {
    using _ = scope();
    const unfolding = unfoldNetwork(this.#task.example());
    this.#optimizer.zeroGrad();
    return unfolding;
  }

  /** The model as its app saves and exports it. */
  toFile(format: ExportFormat): Uint8Array<ArrayBuffer> {
    return this.#task.toFile(format);
  }

  /** Lets go of the batches. */
  [Symbol.dispose](): void {
    void this.#events.return();
  }
}
