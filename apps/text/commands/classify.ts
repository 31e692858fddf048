import { Command } from "@commander-js/extra-typings";
import { evaluate } from "./classify/evaluate.ts";
import { exportOnnx } from "./classify/export.ts";
import { inspect } from "./classify/inspect.ts";
import { predict } from "./classify/predict.ts";
import { train } from "./classify/train.ts";

export const classify = new Command("classify")
  .description(
    "Classify texts: train on labelled texts, compare with baselines, predict, evaluate, inspect, export as ONNX.",
  )
  .addCommand(train, { isDefault: true })
  .addCommand(predict)
  .addCommand(evaluate)
  .addCommand(inspect)
  .addCommand(exportOnnx)
  .addHelpText("after", () => `\nThe default command is train:\n\n${train.helpInformation()}`);
