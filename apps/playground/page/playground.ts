import { DATA, type DataName, fileOf, taskOf } from "../data.ts";
import type { GivenData, Report, Request, RunFacts } from "../messages.ts";
import {
  defaultsFor,
  fits,
  fromFragment,
  type RunSettings,
  type Settings,
  toFragment,
  type View,
} from "../settings.ts";
import { Controls } from "./controls.ts";
import { download } from "./download.ts";
import { element } from "./element.ts";
import { format, formatCount } from "./format.ts";
import { LossCurve } from "./loss_curve.ts";
import { LossView } from "./loss_view.ts";
import { OwnData } from "./own_data.ts";
import { SeriesView } from "./series_view.ts";
import { Tabs } from "./tabs.ts";
import { TextView } from "./text_view.ts";
import { hideToast, showToast } from "./toast.ts";
import { UnfoldedView } from "./unfolded_view.ts";

/** Milliseconds from one word to a screen reader about the loss to the next. */
const SAY_EVERY = 10_000;

/** How a run begins. */
interface StartOptions {
  /** A saved model. */
  readonly file?: NonNullable<Extract<Request, { type: "start" }>["file"]>;
  readonly train?: boolean;
}

/** The page: one run, of which the worker computes all, and three views of it. */
export class Playground {
  readonly #worker = new Worker("worker.js");
  readonly #tabs = new Tabs((view) => this.#choose(view));
  readonly #controls = new Controls((settings) => {
    void this.#start({ ...settings, view: this.#settings.view }, { train: this.#training });
  });
  readonly #own = new OwnData((data) => void this.#start({ ...this.#settings, view: taskOf(data), data }));
  readonly #loss = new LossView();
  readonly #text = new TextView();
  readonly #series = new SeriesView();
  readonly #unfolded = new UnfoldedView();
  readonly #train = element<HTMLButtonElement>("train");
  readonly #step = element<HTMLButtonElement>("step");
  readonly #save = element<HTMLButtonElement>("save");
  readonly #onnx = element<HTMLButtonElement>("onnx");
  readonly #temperature = element<HTMLInputElement>("temperature");
  #settings: Settings;
  /** What was last chosen for each task. */
  readonly #chosen = { text: defaultsFor("text"), series: defaultsFor("series") };
  #run = 0;
  #facts: RunFacts | undefined;
  #curve = new LossCurve();
  #training = false;
  /** Whether the run that begins does not wait. */
  #trainsAtOnce = false;
  #said = 0;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#take(data);
    this.#worker.onerror = (event) => showToast(`The worker has failed: ${event.message ?? "it could not be loaded"}`);
    this.#train.addEventListener("click", () => this.#training ? this.#pause() : this.#resume());
    this.#step.addEventListener("click", () => this.#ask({ type: "step" }));
    element("reset").addEventListener("click", () => void this.#start(this.#settings));
    element("copy").addEventListener("click", () => void this.#copyLink());
    this.#save.addEventListener("click", () => this.#ask({ type: "export", format: "safetensors" }));
    this.#onnx.addEventListener("click", () => this.#ask({ type: "export", format: "onnx" }));
    element<HTMLInputElement>("load").addEventListener("change", (event) => void this.#load(event));
    element("curve").addEventListener("click", () => download("loss.csv", this.#curve.toCsv(), "text/csv"));
    this.#temperature.addEventListener("input", () => {
      element("temperature-value").textContent = this.#temperature.valueAsNumber.toFixed(2);
      this.#look();
    });
    globalThis.addEventListener("hashchange", () => this.#open());
    this.#settings = fromFragment("").settings;
    this.#open();
  }

  /** Takes what the link says. */
  #open(): void {
    const { settings, problems } = fromFragment(location.hash);
    const isShown = this.#run > 0 && toFragment(settings) === toFragment(this.#settings);
    if (!isShown) void this.#start(settings);
    if (problems.length > 0) showToast(problems.join(". "));
  }

  #ask(request: Request): void {
    this.#worker.postMessage(request);
  }

  #look(): void {
    this.#ask({ type: "look", view: this.#settings.view, temperature: this.#temperature.valueAsNumber });
  }

  /** Goes to another view; where the data does not fit it, to what was last chosen there. */
  #choose(view: View): void {
    const isShown = view === "unfolded" || fits(view, this.#settings.data);
    if (isShown && this.#facts !== undefined) {
      this.#show({ ...this.#settings, view });
      this.#look();
    } else void this.#start({ ...isShown ? this.#settings : this.#chosen[view], view });
  }

  #show(settings: Settings): void {
    this.#settings = settings;
    const { view, ...chosen } = settings;
    this.#chosen[taskOf(settings.data)] = chosen;
    history.replaceState(null, "", `#${toFragment(settings)}`);
    this.#tabs.show(view);
    this.#controls.show(settings, view);
    this.#own.show(settings.data);
    document.body.classList.add("ready");
  }

  /** Begins a run, which waits for the first step, or with `train` does not. With a file, its model is gone on with. */
  async #start(settings: Settings, { file, train = false }: StartOptions = {}): Promise<void> {
    const run = ++this.#run;
    this.#trainsAtOnce = train;
    this.#ask({ type: "pause" });
    this.#setTraining(false);
    this.#facts = undefined;
    this.#curve = new LossCurve();
    this.#text.start();
    this.#series.start();
    this.#unfolded.start(settings.layers);
    this.#loss.show(this.#curve);
    for (const button of [this.#train, this.#step, this.#save, this.#onnx]) button.disabled = true;
    this.#showNumbers(0, 0);
    this.#show(settings);
    hideToast();
    const data = await this.#dataOf(settings.data);
    // Another run may have begun in the meantime.
    if (run !== this.#run) return;
    if (data === undefined) {
      if (file !== undefined) {
        showToast(`Cannot go on with ${file.name}: it must have data to learn from, and has none yet`);
      }
      // There it can be given.
      return this.#show({ ...settings, view: taskOf(settings.data) });
    }
    this.#look();
    this.#ask({ type: "start", run, settings: runSettings(settings), data, ...(file && { file }) });
  }

  /** The data of a name; undefined where the visitor has not given it yet, or it cannot be had. */
  async #dataOf(name: DataName): Promise<GivenData | undefined> {
    const file = fileOf(name);
    if (file === undefined) return name.startsWith("own-") ? this.#own.get(name) : { name, content: undefined };
    try {
      const response = await fetch(file);
      if (!response.ok) throw new Error(`the server says ${response.status}`);
      return { name: DATA[name].label, content: await response.text() };
    } catch (error) {
      showToast(`Cannot load ${DATA[name].label}: ${(error as Error).message}`);
      return undefined;
    }
  }

  #resume(): void {
    this.#ask({ type: "train" });
    this.#setTraining(true);
  }

  #pause(): void {
    this.#ask({ type: "pause" });
    this.#setTraining(false);
  }

  #setTraining(training: boolean): void {
    this.#training = training;
    this.#train.textContent = training ? "Pause" : "Train";
    this.#step.disabled = training || this.#facts === undefined;
  }

  /** What the worker says; of an earlier run, nothing. */
  #take(report: Report): void {
    if (report.run !== this.#run) return;
    switch (report.type) {
      case "started":
        return this.#begin(report);
      case "progress":
        this.#curve.add(report);
        this.#loss.show(this.#curve);
        return this.#showNumbers(report.steps, report.speed);
      case "preview":
        if (report.preview.kind === "text") this.#text.show(report.steps, report.preview.text);
        else this.#series.show(report.preview.forecast);
        return;
      case "unfolding":
        return this.#unfolded.show(report.unfolding);
      case "file":
        return download(
          `${this.#settings.data}-${this.#settings.cell}.${report.format}`,
          report.bytes,
          "application/octet-stream",
        );
      case "failed":
        this.#setTraining(false);
        return showToast(report.message);
    }
  }

  #begin(facts: RunFacts): void {
    this.#facts = facts;
    // A file's model may be another than was asked for.
    this.#show({ ...this.#settings, ...facts.settings });
    this.#loss.start(facts);
    this.#loss.show(this.#curve);
    for (const button of [this.#train, this.#step, this.#save, this.#onnx]) button.disabled = false;
    if (this.#trainsAtOnce) this.#resume();
  }

  #showNumbers(steps: number, speed: number): void {
    const { recent, validation } = this.#curve;
    const said = (value: number | undefined) => value === undefined ? "–" : format(value);
    element("steps").textContent = formatCount(steps);
    element("loss").textContent = said(recent);
    element("validation").textContent = said(validation);
    element("speed").textContent = speed === 0 ? "–" : formatCount(speed);
    const now = performance.now();
    if (recent === undefined || (this.#training && now - this.#said < SAY_EVERY)) return;
    this.#said = now;
    element("said").textContent = `Step ${formatCount(steps)}: loss ${format(recent)} ${this.#facts?.unit ?? ""}`;
  }

  async #copyLink(): Promise<void> {
    const button = element("copy");
    try {
      await navigator.clipboard.writeText(location.href);
      button.textContent = "Copied";
      setTimeout(() => button.textContent = "Copy link", 1500);
    } catch {
      showToast("The link could not be copied; it is the one in the address bar.");
    }
  }

  async #load({ target }: Event): Promise<void> {
    const input = target as HTMLInputElement;
    const file = input.files?.[0];
    if (file === undefined) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    input.value = "";
    await this.#start(this.#settings, { file: { name: file.name, bytes } });
  }
}

/** What a run depends on: all but the view. */
function runSettings({ view: _, ...settings }: Settings): RunSettings {
  return settings;
}
