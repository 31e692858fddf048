import { learningChart, PAGE } from "../shared/charts.ts";
import { html, htmlChart, htmlPage, htmlTable, settingsTable } from "../shared/html.ts";
import type { FoldResult } from "./backtest.ts";
import { errorChart, forecastChart, gradientChart, priceChart, returnsChart } from "./charts.ts";
import { referenceOf, type TestDays } from "./judge.ts";
import type { Summary } from "./summary.ts";
import { TARGETS } from "./targets.ts";
import {
  directionLine,
  foldTable,
  foldVerdict,
  intervalLine,
  nameInText,
  outlookLines,
  scoreHead,
  scoreRow,
  shortName,
  titleOf,
  verdict,
} from "./wording.ts";

/** A text of several lines. */
function lines(text: string) {
  return text.split("\n").map((line) => html`${line}<br>`);
}

/** The report of a run as a single, self-contained page. */
export async function reportPage(
  summary: Summary,
  test: TestDays,
  folds: readonly FoldResult[] | undefined,
): Promise<string> {
  const { data, settings, windows, scores, labels, direction, interval, next, history, bestEpoch, gradientFlow } =
    summary;
  const { target, horizon } = settings;
  const title = titleOf(summary);
  const reference = referenceOf(scores);
  const table = ({ head, rows }: { head: string[]; rows: string[][] }) => htmlTable(head, rows);
  const about = `${data.rows} days, ${data.from} to ${data.to}. Trained on ${windows.train} windows, ` +
    `epoch chosen on ${windows.validation}, tested on ${windows.test} from ${test.dates[0]}.`;
  const legend =
    `Skill is 1 − MSE/MSE of ${nameInText(labels, reference)}. p is the probability of a difference from the ` +
    "model's errors at least this large by chance (Diebold-Mariano test).";
  const loss = `The loss of each epoch${TARGETS[target].scaled ? " on standardised targets" : ""}. ` +
    "The dashed line marks the epoch whose weights were kept.";
  const flow =
    "How much of the loss's gradient reaches the hidden state on each day of a window in the backward pass. " +
    "Days on which it has vanished do not affect training.";
  const backtest = folds && html`
    <h2>Back-test</h2>
    <p class="quiet">For each fold a new model was trained on all data before it. ${foldVerdict(folds)}</p>
    ${table(foldTable(target, folds))}
  `;
  const price = target !== "price" && html`
    <h2>Price</h2>
    ${await htmlChart(priceChart(test, PAGE))}
  `;
  const gradient = gradientFlow && html`
    <h2>Gradient flow</h2>
    <p class="quiet">${flow}</p>
    ${await htmlChart(gradientChart(gradientFlow, PAGE))}
  `;
  return htmlPage(
    title,
    html`
      <h1>${title}</h1>
      <p class="quiet">${about}</p>
      <p class="verdict">${lines(verdict(target, scores, labels))}</p>

      <h2>Comparison with baselines</h2>
      ${htmlTable(
        scoreHead(target, horizon, shortName(labels, reference)),
        Object.entries(scores).map(([name, score]) => scoreRow(labels[name]!, score)),
      )}
      <p class="quiet">${legend}</p>
      ${direction ? html`<p>${directionLine(target, direction)}</p>` : ""}
      ${interval ? html`<p>${intervalLine(interval)}</p>` : ""}

      <h2>Forecast</h2>
      <p>${lines(outlookLines(next))}</p>
      ${await htmlChart(forecastChart(test, { target, next, palette: PAGE }))}
      ${price || ""}

      <h2>Returns</h2>
      ${await htmlChart(returnsChart(test, PAGE))}

      <h2>Errors over time</h2>
      <p class="quiet">Where a line in the lower chart rises, the model is better than that baseline.</p>
      ${await htmlChart(errorChart(test, summary, PAGE))}
      ${backtest || ""}

      <h2>Learning curve</h2>
      <p class="quiet">${loss}</p>
      ${await htmlChart(learningChart(history, { best: bestEpoch, palette: PAGE }))}
      ${gradient || ""}

      <h2>Settings</h2>
      ${settingsTable(settings)}
    `,
  );
}
