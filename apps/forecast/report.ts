import { csvFormatRows } from "d3-dsv";
import { formatNumber, percent, type Score, scoreText, table } from "../shared/format.ts";
import { printable } from "../shared/printable.ts";
import type { FoldResult } from "./backtest.ts";
import { type CandidateName, LABELS } from "./methods.ts";
import { LEVELS, meanOf, MEDIAN, type Quantiles } from "./quantiles.ts";
import type { Comparison } from "./rolling.ts";
import { extentOf, type SeriesSet } from "./series_set.ts";
import type { Significance } from "./significance.ts";
import type { Summary } from "./summary.ts";

/** A score with three decimals; a dash if there is none, as for series that repeat exactly. */
const score = (value: Score) => scoreText(value, (value) => value.toFixed(3));
/** Where a score belongs in order: those that do not exist come last. */
const rank = (value: Score) => typeof value === "number" && Number.isFinite(value) ? value : Number.MAX_VALUE;

/** The candidates as a table's head and rows, the best first. */
export function comparisonRows({ results }: Pick<Comparison, "results">): { head: string[]; rows: string[][] } {
  const names = (Object.keys(results) as CandidateName[])
    .sort((a, b) => rank(results[a]!.mase) - rank(results[b]!.mase));
  return {
    head: ["", "MASE", "sMAPE %", "OWA", "RMSE", "WQL", "MSIS", "in 95 %"],
    rows: names.map((name) => {
      const { mase, smape, owa, rmse, wql, msis, coverage } = results[name]!;
      const last = [formatNumber(rmse), Number.isFinite(wql) ? wql.toPrecision(3) : "", score(msis), percent(coverage)];
      return [LABELS[name], score(mase), score(smape), score(owa), ...last];
    }),
  };
}

/** The candidates as a table, the best first. */
export function comparisonTable(comparison: Comparison): string {
  const { head, rows } = comparisonRows(comparison);
  return table(head, rows);
}

/** Steps that a line about coverage lists at most. */
const SHOWN_STEPS = 8;

/** How often the 95 % interval held the value, by steps ahead. */
export function coverageLine({ results, best }: Comparison): string {
  const { coverageByStep } = results[best]!;
  const stride = Math.ceil(coverageByStep.length / SHOWN_STEPS);
  const parts = [];
  for (let first = 0; first < coverageByStep.length; first += stride) {
    const some = coverageByStep.slice(first, first + stride);
    const steps = some.length === 1 ? `${first + 1}` : `${first + 1}–${first + some.length}`;
    parts.push(`${steps}: ${percent(some.reduce((a, b) => a + b) / some.length)}`);
  }
  return `In the 95 % interval of the ${LABELS[best]}, by steps ahead: ${parts.join(", ")}.`;
}

/** What a candidate is called in a sentence, and what it is. */
function calledInText(name: CandidateName): string {
  if (name === "network") return "the network";
  const label = LABELS[name];
  const called = ["theta", "ets", "mstl"].includes(name) ? label : `the ${label}`;
  return name === "networkMean" ? called : `${called}, without a network`;
}

/** What to use, in words. */
export function verdict({ results, best, origins, folds }: Comparison): string {
  const { mase, wins, compared, significance } = results[best]!;
  const basis = origins === 1
    ? "one origin, which is little to judge by"
    : `${origins} origins in ${folds} ${folds === 1 ? "fold" : "folds"}`;
  if (best === "seasonalNaive" && results.seasonalNaive!.rmse === 0) {
    return `Use the seasonal naive forecast, the last season again: it was exact over ${basis}.`;
  }
  if (best === "seasonalNaive") {
    return `Use the seasonal naive forecast, the last season again: nothing was better over ${basis}.`;
  }
  const use = `Use ${calledInText(best)}: over ${basis}`;
  const naive = results.seasonalNaive!.mase;
  if (!Number.isFinite(mase)) return `${use} it had the smallest error.`;
  return `${use} its error was ${
    percent(1 - mase / naive)
  } below the seasonal naive forecast's, and it was better in ` +
    `${wins} of ${compared}.${chanceOf(significance)}`;
}

/** The probability below which a difference is hardly chance. */
const SIGNIFICANT = 0.05;

/** Whether a difference may be chance, in words. */
function chanceOf(significance: Significance | undefined): string {
  if (significance === undefined) return " That is too little to rule out chance.";
  const { test, pValue } = significance;
  const p = `${test}: p ${pValue < 0.001 ? "< 0.001" : `= ${pValue.toPrecision(2)}`}`;
  return pValue < SIGNIFICANT ? ` Chance hardly explains that (${p}).` : ` That may be chance (${p}).`;
}

/** The MASE of all candidates in each fold of a back-test, and their mean. */
export function foldTable(folds: readonly FoldResult[]): { head: string[]; rows: string[][] } {
  const names = (Object.keys(LABELS) as CandidateName[]).filter((name) => folds.some(({ results }) => results[name]));
  const cell = (value: number | undefined, fold?: FoldResult, name?: CandidateName) =>
    score(value) + (fold !== undefined && fold.best === name ? " *" : "");
  const means = names.map((name) => {
    const values = folds.map(({ results }) => results[name]?.mase);
    return values.every((value) => value !== undefined) ? values.reduce((a, b) => a + b) / values.length : undefined;
  });
  return {
    head: ["MASE", ...names.map((name) => LABELS[name])],
    rows: [
      ...folds.map((fold) => [
        `${fold.from} to ${fold.to}`,
        ...names.map((name) => cell(fold.results[name]?.mase, fold, name)),
      ]),
      ["mean", ...means.map((mean) => cell(mean))],
    ],
  };
}

/** Which candidate was best on average over the folds of a back-test, in words. */
export function foldVerdict(folds: readonly FoldResult[]): string {
  const errorsOf = (name: CandidateName) => folds.map(({ results }) => results[name]?.mase ?? NaN);
  const meanOf = (name: CandidateName) => errorsOf(name).reduce((a, b) => a + b) / folds.length;
  const means = (Object.keys(LABELS) as CandidateName[]).map((name) => ({ name, mean: meanOf(name) }))
    .filter(({ mean }) => Number.isFinite(mean)).sort((a, b) => a.mean - b.mean);
  const [first] = means;
  if (first === undefined) return "No candidate could be compared in all folds.";
  const times = folds.filter(({ best }) => best === first.name).length;
  const inFolds = `it was the best (*) in ${times} of ${folds.length} ${folds.length === 1 ? "fold" : "folds"}`;
  const average = `smallest error on average, MASE ${score(first.mean)}`;
  if (first.name === "seasonalNaive") return `The seasonal naive forecast had the ${average}; ${inFolds}.`;
  const naive = `against ${score(meanOf("seasonalNaive"))} of the seasonal naive forecast`;
  const name = calledInText(first.name);
  return `${name[0]!.toUpperCase()}${name.slice(1)} had the ${average} ${naive}; ${inFolds}.`;
}

/** A line about the series that were read. */
export function setLine(set: SeriesSet, season: number): string {
  return `${set.file}: ${rangeText(extentOf(set), season)}`;
}

/** How many values there are, how often, and with which season. */
export function rangeText(
  { frequency: { unit, every }, series, shortest, longest, from, to }: Pick<
    Summary["data"],
    "frequency" | "series" | "shortest" | "longest" | "from" | "to"
  >,
  season: number,
): string {
  const range = shortest === longest ? `${longest}` : `${shortest} to ${longest}`;
  const step = unit === "step" || unit === "irregular"
    ? ""
    : every === 1
    ? `, by ${unit}`
    : `, every ${every} ${unit}s`;
  const what = series === 1 ? `${range} values` : `${series.toLocaleString("en")} series of ${range} values`;
  const dates = series === 1 ? `, ${from} to ${to}` : "";
  return `${what}${step}${dates}; ${season > 1 ? `a season of ${season} steps` : "no season"}.`;
}

/** The quantiles beside the median. */
const OTHERS = LEVELS.map((level, at) => ({ level, at })).filter(({ at }) => at !== MEDIAN);

/** Forecasts as CSV: a row for each series and step, with its date or number, mean, median and the other quantiles. */
export function encodeForecasts(
  { series, hasDates }: SeriesSet,
  forecasts: readonly Quantiles[],
): string {
  const head = ["id", hasDates ? "date" : "step", "mean", "median", ...OTHERS.map(({ level }) => `q${level}`)];
  const parts = series.map((one, i) => {
    const quantiles = forecasts[i]!;
    const [mean, median] = [meanOf(quantiles), quantiles[MEDIAN]!];
    const rows = one.next(median.length).map((label, h) => [
      one.id,
      label,
      ...[mean, median, ...OTHERS.map(({ at }) => quantiles[at]!)].map((values) => shown(values[h]!)),
    ]);
    return `${csvFormatRows(rows)}\n`;
  });
  return `${csvFormatRows([head])}\n${parts.join("")}`;
}

/** A number with the digits that a forecast deserves. */
function shown(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** The first forecasts, for a terminal. */
export function outlookTable({ series }: SeriesSet, forecasts: readonly Quantiles[]): string {
  const [first] = series;
  const quantiles = forecasts[0]!;
  const labels = first!.next(quantiles[MEDIAN]!.length);
  const rows = labels.slice(0, SHOWN_ROWS).map((label, h) => [
    label,
    ...[quantiles[MEDIAN]!, quantiles[0]!, quantiles.at(-1)!].map((values) => formatNumber(values[h]!)),
  ]);
  const more = labels.length > SHOWN_ROWS ? `\n… ${labels.length - SHOWN_ROWS} more steps in forecasts.csv` : "";
  const others = series.length > 1 ? ` of ${series.length} series, here the first` : "";
  return `Forecast${others}, ${printable(first!.id, 40)}:\n${table(["", "forecast", "95 % from", "to"], rows)}${more}`;
}

/** Rows of a forecast that are printed. */
const SHOWN_ROWS = 14;
