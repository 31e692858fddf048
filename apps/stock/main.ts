/**
 * The stock app: trains a network to forecast tomorrow's price, says how it does beside the naive forecast, and forecasts.
 *
 *     deno task stock                                        # train on the S&P 500
 *     deno task stock --csv prices.csv --out runs/mine       # train on a file
 *     deno task stock forecast runs/mine/model.safetensors --csv prices.csv
 *
 * @module
 */

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { useBlas } from "@unfold/core";
import { Checkpoints, progressBar, stopOnSignals } from "@unfold/training";
import { between, integer, runCommand, StoppedError, UsageError } from "../shared/cli.ts";
import { formatNumber } from "../shared/format_number.ts";
import { loadOptimizer, type OptimizerOption, optimizerOption } from "../shared/load_optimizer.ts";
import { readFile } from "../shared/read_file.ts";
import { table } from "../shared/table.ts";
import { prepareFolder, writeFiles } from "../shared/write_files.ts";
import { FEATURE_SET_NAMES, FEATURE_SETS } from "./features.ts";
import { Forecaster, MODELS, type NextDay } from "./forecaster.ts";
import { loadPrices } from "./load_prices.ts";
import { type Column, COLUMNS, type PriceOptions, type Prices } from "./prices.ts";
import { prepare, type Score, trainForecaster, type TrainResult, type TrainSettings } from "./train.ts";

const DEFAULT_OUT = "runs/stock";
/** Differences that come by chance less often than this are more than luck. */
const SIGNIFICANT = 0.05;

/** What was chosen, as it is written down. */
interface Chosen extends TrainSettings {
  readonly optimizer: string;
  readonly optimizerOption: Readonly<Record<string, OptimizerOption>>;
}

/** What `train` tells: in `metrics.json`, and on stdout with `--json`. */
function summaryOf(prices: Prices, settings: Chosen, { scores, ...result }: TrainResult) {
  const { days, direction, interval, comparison, bestEpoch, validationLoss, split, forecaster } = result;
  const count = ({ from, to }: { from: number; to: number }) => to - from;
  return {
    data: { source: prices.file, rows: prices.dates.length, from: prices.dates[0]!, to: prices.dates.at(-1)! },
    settings,
    windows: { train: count(split.train), validation: count(split.validation), test: count(split.test) },
    test: { from: days[0]!.date, to: days.at(-1)!.date },
    bestEpoch,
    validationLoss,
    scores,
    comparison,
    direction,
    interval,
    next: forecaster.next(prices),
  };
}

function report(
  { data, windows, test, bestEpoch, scores, comparison, direction, interval, next, settings }: ReturnType<
    typeof summaryOf
  >,
): string {
  const row = (name: string, score: Score) => [
    name,
    formatNumber(score.mse),
    formatNumber(score.mae),
    formatNumber(score.rmse),
    Number.isNaN(score.r2) ? "—" : score.r2.toFixed(5),
    `${(100 * score.skill).toFixed(2)} %`,
  ];
  const { model, naive, drift } = scores;
  const p = `Diebold-Mariano, p = ${comparison.pValue.toPrecision(2)}`;
  const better = `The model's squared error is ${
    (100 * model.skill).toFixed(2)
  } % smaller than naive's on this test period`;
  const verdict = model.skill <= 0
    ? "The model does not beat naive: tomorrow's price is best guessed as today's."
    : comparison.pValue < SIGNIFICANT
    ? `${better}, by more than luck explains (${p}).`
    : `${better}; that can be luck (${p}).`;
  return [
    `${data.source}: ${data.rows} days, ${data.from} to ${data.to}; tested on ${windows.test} days from ${test.from}.`,
    "",
    table(["next day's close", "MSE", "MAE", "RMSE", "R²", "skill"], [
      row(`${settings.model} (epoch ${bestEpoch})`, model),
      row("naive (tomorrow = today)", naive),
      row("drift (the mean return)", drift),
    ]),
    "",
    `Up or down: right on ${percent(direction.accuracy)} of the days (95 % interval ${percent(direction.low)} to ${
      percent(direction.high)
    }).`,
    ...(interval === undefined ? [] : [
      `The ${percent(interval.coverage)} interval held what happened on ${percent(interval.held)} of the days.`,
    ]),
    verdict,
    nextDay(data.to, next),
  ].join("\n");
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

function nextDay(after: string, { close, logReturn, interval }: NextDay): string {
  const ends = interval === undefined
    ? ""
    : `, ${percent(interval.coverage)} interval ${formatNumber(interval.low)} to ${formatNumber(interval.high)}`;
  return `After ${after}: ${formatNumber(close)} (log return ${logReturn.toFixed(5)}${ends}).`;
}

/** Parses `date=…,close=…`. */
function columnTitles(text: string): Partial<Record<Column, string>> {
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const [name = "", ...title] = pair.split("=");
      if (title.length > 0 && (COLUMNS as readonly string[]).includes(name.trim())) {
        return [name.trim(), title.join("=").trim()];
      }
      throw new InvalidArgumentError(`It must be a list of ${COLUMNS.map((column) => `${column}=…`).join(",")}.`);
    }),
  );
}

/** Loads prices and says what looks odd about them. */
async function readPrices(file: string | undefined, options: PriceOptions): Promise<Prices> {
  const prices = await loadPrices(file, options);
  for (const warning of prices.warnings.slice(0, 5)) console.error(`warning: ${warning}`);
  if (prices.warnings.length > 5) console.error(`warning: and ${prices.warnings.length - 5} more of these`);
  return prices;
}

/** Uses OpenBLAS, or says why not and goes on without: the result is the same, only later. */
function tryBlas(library: string | true): void {
  try {
    console.error(`matrix products by ${useBlas(library === true ? undefined : library).path}`);
  } catch (error) {
    console.error(`${(error as Error).message}; going on with WebAssembly`);
  }
}

const train = new Command("train")
  .description("Train on a series of daily prices and test on its last part.")
  .option("--csv <file>", "prices with the columns date and close (default: the S&P 500, 2000 to 2020)")
  .option("--columns <titles>", "titles of columns that go by another name: date=…,close=…", columnTitles)
  .option("--sort", "put the rows in order of time", false)
  .option("--out <folder>", "where model.safetensors, metrics.json and forecast.svg go", DEFAULT_OUT)
  .addOption(new Option("--model <name>", "the network").choices(MODELS).default(MODELS[0]))
  .addOption(
    new Option("--features <set>", "what it sees: returns, or a textbook's prices and volumes")
      .choices(FEATURE_SET_NAMES).default(FEATURE_SET_NAMES[0]!),
  )
  .option("--epochs <n>", "times through the training part", integer(1), 20)
  .option("--window <days>", "days that the network sees", integer(1), 30)
  .option("--hidden <n>", "features of the network's state", integer(1), 64)
  .option("--batch-size <n>", "windows in a batch", integer(1), 32)
  .option("--learning-rate <rate>", "first learning rate; it falls along a cosine", between(0, Infinity), 1e-3)
  .option("--optimizer <name>", "a rule by name, or a module that makes one: ./mine.ts, npm:…, jsr:…", "adam")
  .option("--optimizer-option <key=value>", "an option of it; may be repeated", optimizerOption, {})
  .option("--validation <fraction>", "fraction of the windows to choose the epoch by", between(0, 1), 0.15)
  .option("--test <fraction>", "fraction of the windows, the last ones, to test on", between(0, 1), 0.15)
  .option("--seed <n>", "seed of the weights and the shuffling", integer(0), 1)
  .option("--resume", "go on with a run that was stopped", false)
  .option("--blas [library]", "hand matrix products to OpenBLAS (needs --allow-ffi)")
  .option("--json", "print the summary as JSON")
  .action(async ({ csv, columns, sort, out, json, blas, resume, ...settings }) => {
    if (settings.validation + settings.test >= 0.9) {
      throw new UsageError("--validation and --test must leave a tenth of the windows to learn from");
    }
    const optimizer = await loadOptimizer(settings.optimizer, settings.optimizerOption);
    const need = FEATURE_SETS[settings.features].columns;
    const prices = await readPrices(csv, { ...(columns && { columns }), sort, need });
    const prepared = prepare(prices, settings);
    await prepareFolder(out);
    if (blas !== undefined) tryBlas(blas);
    const { from, to } = prepared.split.train;
    const folder = `${out}/checkpoints`;
    using stop = stopOnSignals();
    const result = await trainForecaster(prices, prepared, settings, {
      optimizer,
      onEvent: progressBar({ epochs: settings.epochs, samples: to - from }),
      folder,
      config: { ...settings, prices: [prices.file, prices.dates.length, prices.dates.at(-1)] },
      resume,
      signal: stop.signal,
    });
    if (result === undefined) {
      throw new StoppedError("The same command with --resume goes on from here.", stop.exitCode!);
    }
    const summary = summaryOf(prices, settings, result);
    const { forecastChart } = await import("./chart.ts");
    await writeFiles(out, {
      "model.safetensors": result.forecaster.encode(),
      "metrics.json": `${JSON.stringify(summary, null, 2)}\n`,
      "forecast.svg": await forecastChart(
        result.days,
        `${prices.file.split("/").at(-1)}: next day's close, forecast by ${settings.model}`,
      ),
    });
    // The run is over; what it wrote last holds all that they did.
    await new Checkpoints({ folder }).clear();
    console.log(
      json
        ? JSON.stringify(summary, null, 2)
        : `${report(summary)}\n\nWritten to ${out}: model.safetensors, metrics.json, forecast.svg`,
    );
  });

const forecast = new Command("forecast")
  .description("Forecast the day after the last one of a series with a trained model.")
  .argument("[model]", "a model that train wrote", `${DEFAULT_OUT}/model.safetensors`)
  .option("--csv <file>", "prices with the columns date and close (default: the S&P 500, 2000 to 2020)")
  .option("--columns <titles>", "titles of columns that go by another name: date=…,close=…", columnTitles)
  .option("--sort", "put the rows in order of time", false)
  .option("--json", "print the forecast as JSON")
  .action(async (model, { csv, columns, sort, json }) => {
    const forecaster = Forecaster.decode(await readFile(model), model);
    const need = forecaster.featureSet.columns;
    const prices = await readPrices(csv, { ...(columns && { columns }), sort, need });
    const next = { after: prices.dates.at(-1)!, lastClose: prices.close.at(-1)!, ...forecaster.next(prices) };
    console.log(
      json ? JSON.stringify(next, null, 2) : nextDay(`${next.after} (close ${formatNumber(next.lastClose)})`, next),
    );
  });

const program = new Command("stock")
  .description("Forecast tomorrow's price, beside the naive forecast that tomorrow is as today.")
  .addCommand(train, { isDefault: true })
  .addCommand(forecast)
  .addHelpText("after", () => `\ntrain runs when no command is named:\n\n${train.helpInformation()}`);

if (import.meta.main) Deno.exitCode = await runCommand(program as unknown as Command, Deno.args);
