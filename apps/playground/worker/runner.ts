import { type TaskName, taskOf } from "../data.ts";
import type { Report, Request } from "../messages.ts";
import { makeTask } from "./make_task.ts";
import { Session } from "./session.ts";

/** Milliseconds of training from one chance to hear a message to the next. */
const CHUNK = 40;
/** Milliseconds from one report to the next: of the losses, and of what is looked at, which costs more. */
const [REPORT_EVERY, LOOK_EVERY] = [100, 500];

type Unmarked<T> = T extends unknown ? Omit<T, "run"> : never;

/** Lets waiting messages in: a task of its own, without the delay that timers have. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

interface Run {
  readonly run: number;
  readonly session: Session;
}

/** Does what the page asks, and reports. */
export class Runner {
  readonly #post: (report: Report) => void;
  readonly #runs = new Map<TaskName, Run>();
  /** The one that is trained and looked at. */
  #current: Run | undefined;
  /** What is to be made next. */
  #asked: Request | undefined;
  #look: Omit<Extract<Request, { type: "look" }>, "type"> = { view: "text", temperature: 0.8 };
  /** What marks the training that goes on, if any: a later one is another. */
  #training: symbol | undefined;
  #lastReport = { time: 0, steps: 0 };
  #lastLook = 0;

  constructor(post: (report: Report) => void) {
    this.#post = post;
  }

  /** Does what is asked; what goes wrong is reported. */
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
        // Those that wait already are heard first: only the last is worth the time.
        await breathe();
        if (this.#asked === request) this.#start(request);
        return;
      case "return":
        this.#asked = undefined;
        this.#training = undefined;
        this.#current = [...this.#runs.values()].find(({ run }) => run === request.run);
        if (this.#current === undefined) throw new Error("Cannot go back: another run has begun; Reset begins anew");
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
        return this.#showLook();
      case "look":
        this.#look = request;
        return this.#showLook();
      case "export":
        if (this.#current === undefined) return;
        return this.#say({ type: "file", format: request.format, bytes: this.#current.session.toFile(request.format) });
    }
  }

  #start(request: Extract<Request, { type: "start" }>): void {
    // Where this fails the run before goes on.
    const session = new Session(makeTask(request));
    const task = taskOf(request.settings.data);
    this.#training = undefined;
    this.#runs.get(task)?.session[Symbol.dispose]();
    this.#current = { run: request.run, session };
    this.#runs.set(task, this.#current);
    this.#say({ type: "started", ...session.facts });
    this.#showLook();
  }

  /** Trains until it is told to stop, or to do something else. */
  async #train(current: Run): Promise<void> {
    const { session } = current;
    const training = this.#training = Symbol();
    this.#lastReport = { time: performance.now(), steps: session.steps };
    while (this.#training === training) {
      const end = performance.now() + CHUNK;
      do await session.step(); while (this.#training === training && performance.now() < end);
      if (this.#training !== training) break;
      const now = performance.now();
      if (now - this.#lastReport.time >= REPORT_EVERY) this.#reportLosses();
      if (now - this.#lastLook >= LOOK_EVERY) this.#showLook();
      await breathe();
    }
    if (this.#training !== undefined || current !== this.#current) return;
    this.#reportLosses();
    this.#showLook();
  }

  #reportLosses(): void {
    const session = this.#current?.session;
    if (session === undefined) return;
    const { steps } = session;
    const now = performance.now();
    const speed = this.#training !== undefined
      ? 1000 * (steps - this.#lastReport.steps) / (now - this.#lastReport.time)
      : 0;
    this.#lastReport = { time: now, steps };
    this.#say({ type: "progress", steps, speed, ...session.takeLosses() });
  }

  #showLook(): void {
    const session = this.#current?.session;
    if (session === undefined) return;
    const { view, temperature } = this.#look;
    const { steps } = session;
    if (view === "unfolded") this.#say({ type: "unfolding", steps, unfolding: session.unfold() });
    else this.#say({ type: "preview", steps, preview: session.preview({ temperature }) });
    this.#lastLook = performance.now();
  }

  #say(report: Unmarked<Report>): void {
    this.#post({ ...report, run: this.#current!.run } as Report);
  }
}
