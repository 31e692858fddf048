import { learningChart, PAGE } from "../shared/charts.ts";
import { html, htmlChart, htmlPage, htmlTable, settingsTable } from "../shared/html.ts";
import type { FoldResult } from "./backtest.ts";
import { coverageChart, type Panel, panelChart } from "./chart.ts";
import { LABELS } from "./methods.ts";
import { comparisonRows, foldTable, foldVerdict, rangeText, verdict } from "./report.ts";
import type { Summary } from "./summary.ts";

/** What the columns of the comparison mean. */
const LEGEND =
  "MASE is the error relative to the seasonal naive forecast within the series, OWA that of the M4 competition: " +
  "the average of sMAPE and MASE relative to Naive2. WQL is the weighted quantile loss and MSIS the score of the 95 % " +
  "interval, both better if smaller. The last column says how many values the interval held.";

/** The report of a run as a single, self-contained page. */
export async function reportPage(
  summary: Summary,
  panels: readonly Panel[],
  folds: readonly FoldResult[] | undefined,
): Promise<string> {
  const { data, season, horizon, settings, results, best, histories, origins } = summary;
  const title = `${data.source.split("/").at(-1)}: ${horizon} steps ahead`;
  const { head, rows } = comparisonRows(summary);
  const [curve] = histories;
  const bestEpoch = curve?.reduce((low, one) => one.validationLoss! < low.validationLoss! ? one : low).epoch;
  const byFold = folds && foldTable(folds);
  const backtest = byFold && html`
    <h2>Back-test</h2>
    <p class="quiet">For each fold new networks learned from everything before it. ${foldVerdict(folds)}</p>
    ${htmlTable(byFold.head, byFold.rows)}
  `;
  const learning = curve !== undefined && html`
    <h2>Learning curve</h2>
    <p
      class="quiet">The loss of the network on all values, each hundred batches. The dashed line marks the weights that were
      kept.</p>
    ${await htmlChart(learningChart(curve, { best: bestEpoch!, palette: PAGE }))}
  `;
  const reading = data.notes.length > 0 && html`
    <h2>How the data were read</h2>
    <ul>${data.notes.map(({ text }) => html`<li>${text}</li>`)}</ul>
  `;
  const more = data.series > panels.length ? ` The first ${panels.length} of ${data.series} series.` : "";
  return htmlPage(
    title,
    html`
      <h1>${title}</h1>
      <p class="quiet">${rangeText(data, season)}</p>
      <p class="verdict">${verdict(summary)}</p>

      <h2>Forecast</h2>
      <p class="quiet">The median of the ${LABELS[best]} and its 95 % interval.${more}</p>
      ${await htmlChart(panelChart(panels, PAGE))}

      <h2>Comparison on ${origins} rolling origins</h2>
      ${htmlTable(head, rows)}
      <p class="quiet">${LEGEND}</p>

      <h2>Interval by steps ahead</h2>
      <p class="quiet">The share of values in the 95 % interval of the ${LABELS[
        best
      ]}; the dashed line is what it promises.</p>
      ${await htmlChart(coverageChart(results[best]!.coverageByStep, PAGE))}
      ${backtest || ""}
      ${learning || ""}
      ${reading || ""}
      <h2>Settings</h2>
      ${settingsTable(settings)}
    `,
  );
}
