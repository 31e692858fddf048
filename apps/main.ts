#!/usr/bin/env node
/**
 * The command `unfold` of the npm package `@unfold/apps`: runs the app that its first argument names.
 *
 *     npx @unfold/apps stock --csv prices.csv
 *
 * @module
 */

import process from "node:process";
import member from "../core/deno.json" with { type: "json" };
import { print, quoted, say } from "./shared/printable.ts";

/** The apps, each loaded when it is run. */
const APPS = {
  stock: { about: "forecasts a price and compares itself with baselines", load: () => import("./stock/main.ts") },
  forecast: { about: "forecasts any series, one or hundreds", load: () => import("./forecast/main.ts") },
  text: { about: "models, generates and classifies text", load: () => import("./text/main.ts") },
};

const HELP = [
  "Usage: unfold <app> [options]",
  "",
  ...Object.entries(APPS).map(([name, { about }]) => `  ${name.padEnd(10)}${about}`),
  "",
  "`unfold <app> --help` lists the options of an app. Unfold is under the MIT license.",
].join("\n");

const [name] = process.argv.slice(2);
if (name !== undefined && Object.hasOwn(APPS, name)) {
  const [{ program }, { runProgram }] = await Promise.all([
    APPS[name as keyof typeof APPS].load(),
    import("./shared/cli.ts"),
  ]);
  program.name(`unfold ${name}`);
  await runProgram(program);
} else if (name === "--version") print(member.version);
else if (name === undefined || name === "--help") print(HELP);
else {
  say(`error: Cannot run an app: it must be one of ${Object.keys(APPS).join(", ")}, got ${quoted(name)}`);
  process.exitCode = 2;
}
