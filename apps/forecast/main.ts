/**
 * The forecast app: forecasts one series or hundreds with a recurrent network and classical methods, and says which one to use.
 *
 *     deno task forecast --csv sales.csv --horizon 14
 *     deno task forecast compare --csv sales.csv --horizon 14
 *     deno task forecast evaluate --csv ETTh1.csv --splits 8640,2880,2880 --past 96 --horizon 96
 *     deno task forecast forecast runs/forecast/model.safetensors --csv newer.csv
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { runProgram } from "../shared/cli.ts";
import { backtest, tune } from "./commands/backtest.ts";
import { evaluate } from "./commands/evaluate.ts";
import { exportOnnx } from "./commands/export.ts";
import { inspect } from "./commands/inspect.ts";
import { report } from "./commands/report.ts";
import { compare, forecast, train } from "./commands/train.ts";

export const program = new Command("forecast")
  .description("Forecast series with a recurrent network and classical methods, and say which one to use.")
  .addCommand(train, { isDefault: true })
  .addCommand(compare)
  .addCommand(forecast)
  .addCommand(evaluate)
  .addCommand(inspect)
  .addCommand(backtest)
  .addCommand(tune)
  .addCommand(report)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\nWithout a command, train runs:\n\n${train.helpInformation()}`);

if (import.meta.main) await runProgram(program);
