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

/** Does what the page asks, and reports. */
export class Runner {
  readonly #post: (report: Report) => void;
  #session: Session | undefined;
  #run = 0;
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
      this.#training = undefined;
      this.#say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }

  async #do(request: Request): Promise<void> {
    switch (request.type) {
      case "start":
        this.#training = undefined;
        this.#run = request.run;
        this.#session?.[Symbol.dispose]();
        this.#session = undefined;
        this.#session = new Session(makeTask(request));
        this.#say({ type: "started", ...this.#session.facts });
        return this.#showLook();
      case "train":
        if (this.#training === undefined && this.#session !== undefined) await this.#train(this.#session);
        return;
      case "pause":
        this.#training = undefined;
        return;
      case "step":
        if (this.#training !== undefined) return;
        await this.#session?.step();
        this.#reportLosses();
        return this.#showLook();
      case "look":
        this.#look = request;
        return this.#showLook();
      case "export":
        if (this.#session === undefined) return;
        return this.#say({ type: "file", format: request.format, bytes: this.#session.toFile(request.format) });
    }
  }

  /** Trains until it is told to stop, or to do something else. */
  async #train(session: Session): Promise<void> {
    const training = this.#training = Symbol();
    this.#lastReport = { time: performance.now(), steps: session.steps };
    while (this.#training === training) {
      const end = performance.now() + CHUNK;
      do await session.step(); while (performance.now() < end);
      const now = performance.now();
      if (now - this.#lastReport.time >= REPORT_EVERY) this.#reportLosses();
      if (now - this.#lastLook >= LOOK_EVERY) this.#showLook();
      await breathe();
    }
    if (this.#training !== undefined || session !== this.#session) return;
    this.#reportLosses();
    this.#showLook();
  }

  #reportLosses(): void {
    const session = this.#session;
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
    const session = this.#session;
    if (session === undefined) return;
    const { view, temperature } = this.#look;
    const { steps } = session;
    if (view === "unfolded") this.#say({ type: "unfolding", steps, unfolding: session.unfold() });
    else this.#say({ type: "preview", steps, preview: session.preview({ temperature }) });
    this.#lastLook = performance.now();
  }

  #say(report: Unmarked<Report>): void {
    this.#post({ ...report, run: this.#run } as Report);
  }
}
