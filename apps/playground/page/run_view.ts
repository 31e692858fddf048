import type { TaskName } from "../data.ts";
import type { Report } from "../messages.ts";
import { element } from "./element.ts";
import { format, formatCount } from "./format.ts";
import { LossCurve, LossView } from "./loss_view.ts";
import type { Run } from "./runs.ts";
import { SeriesView } from "./series_view.ts";
import { TextView } from "./text_view.ts";
import { UnfoldedView } from "./unfolded_view.ts";

/** Milliseconds between two announcements of the loss to screen readers. */
const ANNOUNCE_EVERY = 10_000;

/** A report that changes the view of a run. */
type Update = Extract<Report, { type: "progress" | "preview" | "unfolding" }>;

/** Shows a run on the page: its numbers, its loss curve and the three views. */
export class RunView {
  readonly #loss = new LossView();
  readonly #text = new TextView();
  readonly #series = new SeriesView();
  readonly #unfolded = new UnfoldedView();
  #announced = 0;

  /** Clears the view of a task, for a new run. */
  clear(task: TaskName): void {
    (task === "text" ? this.#text : this.#series).clear();
  }

  /** Shows a run that begins, or one that the visitor returns to. */
  show(run: Run): void {
    const { settings, facts, curve } = run;
    this.#loss.start(facts);
    this.#loss.show(curve);
    this.#unfolded.start(settings.layers);
    this.#showNumbers(curve, { speed: 0, unit: facts.unit });
    element("note").textContent = noteOn(run);
  }

  /** Clears the view, and reserves space for a figure with a number of layers. */
  showNone(layers: number): void {
    const none = new LossCurve();
    this.#loss.show(none);
    this.#unfolded.start(layers);
    this.#showNumbers(none, { speed: 0, unit: "" });
  }

  /** Shows what the worker reports of the visible run. */
  update({ curve, facts }: Run, report: Update): void {
    switch (report.type) {
      case "progress":
        this.#loss.show(curve);
        return this.#showNumbers(curve, { speed: report.speed, unit: facts.unit });
      case "preview":
        if (report.preview.kind === "text") this.#text.show(report.steps, report.preview.text);
        else this.#series.show(report.preview.forecast);
        return;
      case "unfolding":
        return this.#unfolded.show(report.unfolding);
    }
  }

  /** Announces a status to screen readers. */
  announce(status: string): void {
    element("status").textContent = status;
  }

  #showNumbers({ steps, recent, validation }: LossCurve, { speed, unit }: { speed: number; unit: string }): void {
    const shown = (value: number | undefined) => value === undefined ? "–" : format(value);
    element("steps").textContent = formatCount(steps);
    element("loss").textContent = shown(recent);
    element("validation").textContent = shown(validation);
    element("speed").textContent = speed === 0 ? "–" : formatCount(speed);
    const now = performance.now();
    if (recent === undefined || (speed > 0 && now - this.#announced < ANNOUNCE_EVERY)) return;
    this.#announced = now;
    this.announce(`Step ${formatCount(steps)}: loss ${format(recent)} ${unit}`);
  }
}

/** Says what the link reproduces of a run, and what a change does. */
function noteOn({ file, settings: { data } }: Run): string {
  if (file !== undefined) {
    return `Continues ${file.name}, which the link does not include. ` +
      "Reset reloads the file; any other change starts a new run.";
  }
  return data.startsWith("own-")
    ? "Any change starts a new run. The link in the address bar does not include your data."
    : "Any change starts a new run. The link in the address bar reproduces its losses exactly.";
}
