import { type TaskName, taskOf } from "../data.ts";
import type { Report, Request, RunSource } from "../messages.ts";
import { makeTask } from "./make_task.ts";
import { Session } from "./session.ts";

/** Milliseconds of training before the worker checks for messages. */
const CHUNK = 40;
/** Milliseconds between reports of the losses, and between those of the view, which cost more. */
const [REPORT_EVERY, LOOK_EVERY] = [100, 500];
/** Milliseconds between snapshots of a run that trains. */
const SNAPSHOT_EVERY = 5000;

/** The runner's clock and event loop. Tests pass their own. */
export interface Scheduler {
  /** The time in milliseconds, from any origin. */
  now(): number;
  /** Resolves after all messages that are already waiting have been delivered. */
  breathe(): Promise<void>;
}

/** The real clock and event loop. Unlike a timer, a message channel has no minimum delay. */
const EVENT_LOOP: Scheduler = {
  now: () => performance.now(),
  breathe: () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(undefined);
    }),
};

type Unmarked<T> = T extends unknown ? Omit<T, "run"> : never;

interface Run {
  readonly run: number;
  readonly session: Session;
}

/** Handles the page's requests and reports back. */
export class Runner {
  readonly #post: (report: Report) => void;
  readonly #scheduler: Scheduler;
  /** The last run of each task. */
  readonly #runs = new Map<TaskName, Run>();
  /** The visible run, which `train`, `step`, `look` and `export` act on. */
  #current: Run | undefined;
  /** The run to build next. */
  #asked: RunSource | undefined;
  #look: Omit<Extract<Request, { type: "look" }>, "type"> = { view: "text", temperature: 0.8 };
  /** Identifies the training loop in progress, if any. A loop ends when this changes. */
  #training: symbol | undefined;
  #lastReport = { time: 0, steps: 0 };
  #lastLook = 0;
  #lastSnapshot: { time: number; steps: number; session?: Session } = { time: 0, steps: 0 };

  constructor(post: (report: Report) => void, scheduler: Scheduler = EVENT_LOOP) {
    this.#post = post;
    this.#scheduler = scheduler;
  }

  /** Handles a request, and reports any error. For `train`, the promise resolves when training stops. */
  async handle(request: Request): Promise<void> {
    try {
      await this.#do(request);
    } catch (error) {
      const run = "run" in request ? request.run : this.#current?.run ?? 0;
      if (run === this.#current?.run) this.#training = undefined;
      this.#post({ type: "failed", run, message: error instanceof Error ? error.message : String(error) });
    }
  }

  async #do(request: Request): Promise<void> {
    switch (request.type) {
      case "start":
        this.#asked = request;
        // Building a network takes time. If several such requests are waiting, handle only the last.
        await this.#scheduler.breathe();
        if (this.#asked === request) this.#start(request);
        return;
      case "restore":
        for (const run of request.runs) this.#build(run);
        this.#reportLosses();
        return this.#showLook();
      case "ping":
        return this.#post({ type: "alive", run: 0 });
      case "return":
        this.#asked = undefined;
        this.#training = undefined;
        this.#current = [...this.#runs.values()].find(({ run }) => run === request.run);
        if (this.#current === undefined) {
          throw new Error(
            "Cannot return to the run: a newer run has replaced it; press Reset to start again",
          );
        }
        return;
      case "train":
        if (this.#training === undefined && this.#current !== undefined) await this.#train(this.#current);
        return;
      case "pause":
        this.#training = undefined;
        return;
      case "step":
        if (this.#training !== undefined) return;
        await this.#current?.session.step();
        this.#reportLosses();
        this.#snapshot();
        return this.#showLook();
      case "look":
        this.#look = request;
        return this.#showLook();
      case "export":
        if (this.#current === undefined) return;
        return this.#report({
          type: "file",
          format: request.format,
          bytes: this.#current.session.toFile(request.format),
        });
    }
  }

  #start(source: RunSource): void {
    const { facts } = this.#build(source);
    this.#report({ type: "started", ...facts });
    this.#showLook();
  }

  /** Builds a run and makes it the visible one. If this throws, the previous run continues. */
  #build(source: RunSource): Session {
    const session = new Session(makeTask(source), source.steps);
    const task = taskOf(source.settings.data);
    this.#training = undefined;
    this.#runs.get(task)?.session[Symbol.dispose]();
    this.#current = { run: source.run, session };
    this.#runs.set(task, this.#current);
    this.#lastSnapshot = { time: this.#scheduler.now(), steps: session.steps, session };
    return session;
  }

  /** Trains a run until another request stops it. */
  async #train(current: Run): Promise<void> {
    const { session } = current;
    const training = this.#training = Symbol();
    this.#lastReport = { time: this.#scheduler.now(), steps: session.steps };
    while (this.#training === training) {
      const end = this.#scheduler.now() + CHUNK;
      do await session.step(); while (this.#training === training && this.#scheduler.now() < end);
      if (this.#training !== training) break;
      const now = this.#scheduler.now();
      if (now - this.#lastReport.time >= REPORT_EVERY) this.#reportLosses();
      if (now - this.#lastLook >= LOOK_EVERY) this.#showLook();
      if (now - this.#lastSnapshot.time >= SNAPSHOT_EVERY) this.#snapshot();
      await this.#scheduler.breathe();
    }
    if (this.#training !== undefined || current !== this.#current) return;
    this.#reportLosses();
    this.#snapshot();
    this.#showLook();
  }

  /** Reports the model, if it has changed since the last time. */
  #snapshot(): void {
    const session = this.#current?.session;
    const last = this.#lastSnapshot;
    if (session === undefined || (session === last.session && session.steps === last.steps)) return;
    const { steps } = session;
    this.#report({ type: "snapshot", steps, bytes: session.toFile("safetensors") });
    this.#lastSnapshot = { time: this.#scheduler.now(), steps, session };
  }

  #reportLosses(): void {
    const session = this.#current?.session;
    if (session === undefined) return;
    const { steps } = session;
    const now = this.#scheduler.now();
    const { time, steps: before } = this.#lastReport;
    const speed = this.#training === undefined ? 0 : 1000 * (steps - before) / (now - time);
    this.#lastReport = { time: now, steps };
    this.#report({ type: "progress", steps, speed, ...session.takeLosses() });
  }

  #showLook(): void {
    const session = this.#current?.session;
    if (session === undefined) return;
    const { view, temperature } = this.#look;
    const { steps } = session;
    if (view === "unfolded") this.#report({ type: "unfolding", steps, unfolding: session.unfold() });
    else this.#report({ type: "preview", steps, preview: session.preview({ temperature }) });
    this.#lastLook = this.#scheduler.now();
  }

  #report(report: Unmarked<Report>): void {
    this.#post({ ...report, run: this.#current!.run } as Report);
  }
}
