import { scope } from "@unfold/core";
import { clipByGlobalNorm, Optimizer } from "@unfold/optimizers";
import type { StepEvent, TrainEvent } from "@unfold/training";
import { OPTIMIZERS } from "../../shared/models.ts";
import type { ExportFormat, Preview, RunFacts } from "../messages.ts";
import type { Task } from "./task.ts";
import { type Unfolding, unfoldNetwork } from "./unfold_network.ts";

/** Steps between two validations: fewer at the start of a run. */
const [VALIDATE_EVERY, FIRST_STEPS, EVERY_FIRST] = [50, 50, 10];
/** The global norm that gradients are clipped to. */
const CLIP = 1;

/**
 * One run: a task, its optimizer and its progress. Its losses depend only on the settings and the data, not on timing.
 */
export class Session implements Disposable {
  readonly #task: Task;
  readonly #optimizer: Optimizer;
  readonly #events: AsyncGenerator<TrainEvent, void, undefined>;
  /** The steps before this session. */
  readonly #before: number;
  #losses: number[] = [];
  #validation: [step: number, loss: number][] = [];

  /** @param before The steps that the run has taken before, elsewhere. */
  constructor(task: Task, before = 0) {
    this.#before = before;
    const { optimizer, rate } = task.settings;
    this.#task = task;
    this.#optimizer = new Optimizer(task.network.parameters(), [clipByGlobalNorm(CLIP), OPTIMIZERS[optimizer]()], {
      learningRate: rate,
    });
    this.#events = task.train(this.#optimizer);
  }

  /** What is known about the run before its first step. */
  get facts(): RunFacts {
    const { settings, parameters, unit, logarithmic, baselines, about } = this.#task;
    return { settings, parameters, unit, logarithmic, baselines, about };
  }

  /** The number of steps so far. */
  get steps(): number {
    return this.#before + this.#optimizer.steps;
  }

  /** Trains for one step. */
  async step(): Promise<void> {
    if (this.steps === 0 && this.#losses.length === 0) await this.#validate();
    this.#losses.push((await this.#nextStep()).loss * this.#task.scale);
    if (this.steps % (this.steps < FIRST_STEPS ? EVERY_FIRST : VALIDATE_EVERY) === 0) await this.#validate();
  }

  async #nextStep(): Promise<StepEvent> {
    while (true) {
      const { value: event, done } = await this.#events.next();
      if (done) throw new Error("Cannot continue: training has failed; press Reset to start again");
      // The end of an epoch has events too.
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

  /** The network's current sample or forecasts. */
  preview(options: { readonly temperature: number }): Preview {
    return this.#task.preview(options);
  }

  /** Unfolds the network. This does not affect training. */
  unfold(): Unfolding {
    using _ = scope();
    const unfolding = unfoldNetwork(this.#task.example());
    this.#optimizer.zeroGrad();
    return unfolding;
  }

  /** The model as a file of its app. */
  toFile(format: ExportFormat): Uint8Array<ArrayBuffer> {
    return this.#task.toFile(format);
  }

  /** Ends the training loop, which releases its batches. */
  [Symbol.dispose](): void {
    void this.#events.return();
  }
}
