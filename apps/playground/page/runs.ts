import { type TaskName, taskOf } from "../data.ts";
import type { ExportFormat, GivenData, ModelFile, Report, Request, RunFacts, RunSource } from "../messages.ts";
import type { RunSettings, View } from "../settings.ts";
import { LossCurve } from "./loss_view.ts";

/** A run that is being prepared: first its data is loaded, then the worker builds its network. */
interface PendingRun {
  readonly run: number;
  readonly settings: RunSettings;
  /** The saved model that it continues, if any. */
  readonly file: ModelFile | undefined;
  /** Whether to train as soon as it has begun. */
  readonly train: boolean;
  /** Undefined until the run is launched. */
  data: GivenData | undefined;
}

/** How a run is prepared. */
type PrepareOptions = Partial<Pick<PendingRun, "file" | "train">>;

/** A run that has begun. */
export interface Run extends PendingRun {
  readonly facts: RunFacts;
  readonly curve: LossCurve;
  /** What the run can go on from in another worker: its source at first, later its newest snapshot. */
  snapshot: RunSource;
}

/**
 * The runs of the page: the visible one, the pending one that will replace it, and the last one of each task. The
 * worker does the computing; this class sends it requests and receives its reports.
 */
export class Runs {
  readonly #send: (request: Request) => void;
  readonly #onReport: (report: Report) => void;
  readonly #kept = new Map<TaskName, Run>();
  #count = 0;
  #pending: PendingRun | undefined;
  #current: Run | undefined;
  #training = false;
  #look: Request | undefined;

  /**
   * @param send Sends a request to the worker.
   * @param onReport Receives the reports about the visible run, and whether the pending one begins or fails.
   */
  constructor(send: (request: Request) => void, onReport: (report: Report) => void) {
    this.#send = send;
    this.#onReport = onReport;
  }

  /** The run that is being prepared, if any. */
  get pending(): PendingRun | undefined {
    return this.#pending;
  }

  /** The visible run, if any. */
  get current(): Run | undefined {
    return this.#current;
  }

  /** Whether the visible run is training. */
  get training(): boolean {
    return this.#training;
  }

  /** The last run of a task, if any. */
  kept(task: TaskName): Run | undefined {
    return this.#kept.get(task);
  }

  /** Prepares a run, which replaces the pending one, if any, and waits for {@linkcode launch}. */
  prepare(settings: RunSettings, { file, train = false }: PrepareOptions = {}): PendingRun {
    return this.#pending = { run: ++this.#count, settings, file, train, data: undefined };
  }

  /** Has the worker build the pending run. It answers with the report `started` or `failed`. */
  launch(data: GivenData): void {
    this.#pending!.data = data;
    this.#send({ type: "start", ...sourceOf(this.#pending!) });
  }

  /** Drops the pending run. */
  cancel(): void {
    this.#pending = undefined;
  }

  /** Makes the pending run the visible one, once the worker has built it. */
  begin(facts: RunFacts): Run {
    const { settings } = facts;
    const snapshot = sourceOf(this.#pending!);
    const run = { ...this.#pending!, settings, facts, curve: new LossCurve(), snapshot };
    this.#pending = undefined;
    this.#current = run;
    this.#kept.set(taskOf(settings.data), run);
    this.#training = false;
    if (run.train) this.train();
    return run;
  }

  /** Pauses and hides the visible run. It stays the last one of its task. */
  leave(): void {
    this.pause();
    this.#current = undefined;
  }

  /** Shows the last run of a task again, paused. */
  returnTo(run: Run): void {
    this.pause();
    this.#pending = undefined;
    this.#current = run;
    this.#send({ type: "return", run: run.run });
  }

  /** Trains the visible run. */
  train(): void {
    this.#send({ type: "train" });
    this.#training = true;
  }

  /** Pauses the visible run. */
  pause(): void {
    this.#send({ type: "pause" });
    this.#training = false;
  }

  /** Trains the visible run for a single step. */
  step(): void {
    this.#send({ type: "step" });
  }

  /** Requests what a view shows of the visible run, now and while it trains. */
  look(view: View, temperature: number): void {
    this.#look = { type: "look", view, temperature };
    this.#send(this.#look);
  }

  /** Continues in a new worker, which replaces one that did not answer: every run from its newest snapshot, paused. */
  restart(): void {
    this.#training = false;
    const kept = [...this.#kept.values()].sort((a, b) => Number(a === this.#current) - Number(b === this.#current));
    for (const { curve, snapshot: { steps = 0 } } of kept) curve.rewind(steps);
    if (this.#look !== undefined) this.#send(this.#look);
    if (kept.length > 0) this.#send({ type: "restore", runs: kept.map(({ snapshot }) => snapshot) });
    if (this.#pending?.data !== undefined) this.launch(this.#pending.data);
  }

  /** Requests the visible run's model as a file. */
  export(format: ExportFormat): void {
    this.#send({ type: "export", format });
  }

  /** Receives a report from the worker. Drops reports about discarded runs. */
  receive(report: Report): void {
    const { type, run } = report;
    if (type === "snapshot") return this.#keep(report);
    if (type === "started" && run !== this.#pending?.run) return this.#forget(taskOf(report.settings.data));
    // A hidden run may still report its last losses.
    if (type === "progress") this.#find(run)?.curve.add(report);
    const isCurrent = run === this.#current?.run;
    const isPending = run === this.#pending?.run && (type === "started" || type === "failed");
    if (isCurrent && type === "failed") this.#training = false;
    if (isCurrent || isPending) this.#onReport(report);
  }

  #keep({ run, steps, bytes }: Extract<Report, { type: "snapshot" }>): void {
    const found = this.#find(run);
    if (found === undefined) return;
    const file = { name: `the model after ${steps} steps`, bytes };
    found.snapshot = { ...found.snapshot, settings: found.settings, file, steps };
  }

  #find(run: number): Run | undefined {
    return [this.#current, ...this.#kept.values()].find((known) => known?.run === run);
  }

  /** Handles a discarded run that has replaced the last run of its task in the worker. */
  #forget(task: TaskName): void {
    const gone = this.#kept.get(task);
    this.#kept.delete(task);
    if (gone === undefined || gone !== this.#current) return;
    this.#current = undefined;
    this.#training = false;
  }
}

/** What the worker builds a run from, once its data is loaded. */
function sourceOf({ run, settings, data, file }: PendingRun): RunSource {
  return { run, settings, data: data!, ...(file && { file }) };
}
