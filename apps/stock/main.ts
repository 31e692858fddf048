/**
 * The stock app: trains a network to forecast a price, says how it does beside what needs no network, and forecasts.
 *
 *     deno task stock                                        # train on the S&P 500
 *     deno task stock --csv prices.csv --out runs/mine       # train on a file
 *     deno task stock forecast runs/mine/model.safetensors --csv prices.csv
 *
 * @module
 */

import { Command } from "@commander-js/extra-typings";
import { runCommand } from "../shared/cli.ts";
import { backtest } from "./commands/backtest.ts";
import { compare } from "./commands/compare.ts";
import { exportOnnx, forecast } from "./commands/forecast.ts";
import { report } from "./commands/report.ts";
import { train } from "./commands/train.ts";
import { tune } from "./commands/tune.ts";

const program = new Command("stock")
  .description("Forecast a price, beside the forecasts that need no network.")
  .addCommand(train, { isDefault: true })
  .addCommand(forecast)
  .addCommand(backtest)
  .addCommand(tune)
  .addCommand(compare)
  .addCommand(report)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\ntrain runs when no command is named:\n\n${train.helpInformation()}`);

if (import.meta.main) {
  const code = await runCommand(program as unknown as Command, Deno.args);
  // A Worker that merely came to its end would be waited for.
  if (code !== 0) Deno.exit(code);
}
