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
  outlookLines,
  percent,
  scoreHead,
  scoreRow,
  shortName,
  titleOf,
  verdict,
} from "./wording.ts";

/** One page with all that a run showed, which needs nothing from anywhere. */
export async function reportPage(
  summary: Summary,
  test: TestDays,
  folds: readonly FoldResult[] | undefined,
): Promise<string> {
  const { data, settings, windows, scores, labels, direction, interval, next, history, bestEpoch, gradientFlow } =
    summary;
  const { target, horizon } = settings;
  const title = titleOf(summary);
  const table = ({ head, rows }: { head: string[]; rows: string[][] }) => htmlTable(head, rows);
  return htmlPage(
    title,
    html`
            <h1>${title}</h1>
            <p
        class="quiet">${data.rows} days, ${data.from} to ${data.to}; learned on ${windows
          .train} windows, chosen by ${windows.validation},
            tested on ${windows.test}, from ${test.dates[0]!} on.</p>
            <p class="verdict">${verdict(target, scores, labels).split("\n").map((line) => html`${line}<br>`)}</p>

            <h2>Beside forecasts that need no network</h2>
            ${htmlTable(
              scoreHead(target, horizon, shortName(labels, referenceOf(scores))),
              Object.entries(scores).map(([name, score]) => scoreRow(labels[name]!, score)),
            )}
            <p
        class="quiet">Skill is 1 − MSE/MSE of ${labels[
          referenceOf(scores)
        ]!}; p says how often errors would differ so much from the model's by
            luck alone (Diebold-Mariano).</p>
            ${direction === undefined ? "" : html`<p>${directionLine(target, direction)}</p>`}
            ${interval === undefined
              ? ""
              : html`<p>The ${percent(interval.coverage, 0)} interval held what happened on ${
                percent(interval.held)
              } of the days.</p>`}

            <h2>Forecast</h2>
            <p>${outlookLines(next).split("\n").map((line) => html`${line}<br>`)}</p>
            ${await htmlChart(forecastChart(test, { target, next, palette: PAGE }))}

            ${target === "price" ? "" : html`<h2>Price</h2>
${await htmlChart(priceChart(test, PAGE))}`}

      <h2>Returns</h2>
            ${await htmlChart(returnsChart(test, PAGE))}

            <h2>Errors over time</h2>
            ${await htmlChart(errorChart(test, summary, PAGE))}
            ${folds === undefined ? "" : html`<h2>Trained anew for each fold</h2>${table(foldTable(target, folds))}`}

            <h2>Learning curve</h2>
            <p class="quiet">The loss by epoch${TARGETS[target].scaled
              ? ", of standardised targets"
              : ""}; the dashed line is the epoch that was kept.</p>
            ${await htmlChart(learningChart(history, { best: bestEpoch, palette: PAGE }))}
            ${gradientFlow === undefined ? "" : html`
              <h2>Gradient lens</h2>
              <p
                class="quiet">How much of the loss's gradient reaches the network's state on each day of a window, going back in time; where the line
              falls off, the days before teach nothing.</p>
              ${await htmlChart(gradientChart(gradientFlow, PAGE))}
            `}

            <h2>Configuration</h2>
            ${settingsTable(settings)}
    `,
  );
}
