/**
 * The stock app: trains a network to forecast a price, compares it with simple baselines, and forecasts.
 *
 *     deno task stock                                        # train on the S&P 500
 *     deno task stock --csv prices.csv --out runs/mine       # train on a file
 *     deno task stock forecast runs/mine/model.safetensors --csv prices.csv
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { runProgram } from "../shared/cli.ts";
import { backtest, tune } from "./commands/backtest.ts";
import { compare } from "./commands/compare.ts";
import { inspect } from "./commands/inspect.ts";
import { report } from "./commands/report.ts";
import { exportOnnx, forecast, train } from "./commands/train.ts";

export const program = new Command("stock")
  .description("Forecast prices with a recurrent network and compare it with simple baselines.")
  .addCommand(train, { isDefault: true })
  .addCommand(forecast)
  .addCommand(inspect)
  .addCommand(backtest)
  .addCommand(tune)
  .addCommand(compare)
  .addCommand(report)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\nWithout a command, train runs:\n\n${train.helpInformation()}`);

if (import.meta.main) await runProgram(program);
