import { type TaskName, taskOf } from "../data.ts";
import type { GivenData, ModelFile, Report, RunFacts } from "../messages.ts";
import type { RunSettings } from "../settings.ts";
import { LossCurve } from "./loss_view.ts";

/** A run that is to begin. */
interface AskedRun {
  readonly run: number;
  readonly settings: RunSettings;
  /** A saved model that it goes on with. */
  readonly file: ModelFile | undefined;
  /** Undefined until it was fetched or given. */
  data: GivenData | undefined;
}

/** A run that has begun. */
export interface Run extends AskedRun {
  readonly facts: RunFacts;
  readonly curve: LossCurve;
}

/** The runs of the page: one that is seen, one that may be prepared to take its place, and one kept for each task. */
export class Runs {
  readonly #onReport: (report: Report) => void;
  readonly #kept = new Map<TaskName, Run>();
  #count = 0;
  #asked: AskedRun | undefined;
  #current: Run | undefined;

  /**
   * @param onReport Is told what the worker says of the run that is seen, and how the one that is prepared begins or fails.
   */
  constructor(onReport: (report: Report) => void) {
    this.#onReport = onReport;
  }

  /** What is prepared. */
  get asked(): AskedRun | undefined {
    return this.#asked;
  }

  /** What is seen. */
  get current(): Run | undefined {
    return this.#current;
  }

  /** The last run of a task. */
  kept(task: TaskName): Run | undefined {
    return this.#kept.get(task);
  }

  /** Takes what the worker says; of a run that nobody waits for any more, nothing. */
  hear(report: Report): void {
    const isAsked = report.run === this.#asked?.run;
    const isCurrent = report.run === this.#current?.run;
    if (report.type === "started") {
      // The worker has put it in the place of the one before, whether it is still waited for or not.
      if (!isAsked) this.#kept.delete(taskOf(report.settings.data));
      else this.#onReport(report);
    } else if (isCurrent || (isAsked && report.type === "failed")) this.#onReport(report);
  }

  /** Prepares a run, and nothing that was prepared before. */
  ask(settings: RunSettings, file?: ModelFile): AskedRun {
    return this.#asked = { run: ++this.#count, settings, file, data: undefined };
  }

  /** What was prepared does not begin. */
  refuse(): void {
    this.#asked = undefined;
  }

  /** What was prepared begins, and is seen and kept. */
  begin(facts: RunFacts): Run {
    const { settings } = facts;
    const run = { ...this.#asked!, settings, facts, curve: new LossCurve() };
    this.#asked = undefined;
    this.#kept.set(taskOf(settings.data), run);
    return this.#current = run;
  }

  /** The run that is seen is seen no more, but kept. */
  leave(): void {
    this.#current = undefined;
  }

  /** Goes back to a run that was kept. */
  returnTo(run: Run): void {
    this.#asked = undefined;
    this.#current = run;
  }
}
