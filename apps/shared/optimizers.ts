import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { OptimizerPlugin } from "@unfold/optimizers";
import { pathToFileURL } from "node:url";
import { OPTIMIZERS } from "./models.ts";
import { giveUpFfi } from "./permissions.ts";

type Factory = (options: Record<string, unknown>) => unknown;

const BUILT_IN = OPTIMIZERS as Record<string, Factory>;

/** `--optimizer`: a name or a module. */
export const optimizerNameOption = new Option(
  "--optimizer <name>",
  "an optimizer by name, or a module of your own that exports one, such as ./mine.ts",
).default("adam");

/** `--allow-remote-optimizer`. */
export const allowRemoteOption = new Option(
  "--allow-remote-optimizer",
  "let --optimizer name a module from elsewhere (npm:…, jsr:…, https:…), which runs with this program's permissions",
).default(false);

/** The value of an optimizer's option: a number, a boolean, a string, or a list of them. */
export type OptimizerOption = number | boolean | string | readonly (number | boolean | string)[];

/** Parses `key=value` or `key=value,value` and adds it to the earlier ones: the argument of a repeatable option. */
export function optimizerOption(
  text: string,
  before: Readonly<Record<string, OptimizerOption>>,
): Record<string, OptimizerOption> {
  const at = text.indexOf("=");
  const [key, value] = [text.slice(0, at).trim(), text.slice(at + 1)];
  if (at < 1 || key === "") throw new InvalidArgumentError("It must be key=value.");
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`${key} is given twice.`);
  const parts = value.split(",").map((part) => {
    if (part === "true" || part === "false") return part === "true";
    return part.trim() === "" || Number.isNaN(Number(part)) ? part : Number(part);
  });
  return { ...before, [key]: parts.length === 1 ? parts[0]! : parts };
}

/**
 * Makes an optimizer: one of the library's by name, or one from a module by path (`./mine.ts`). The module's factory is its
 * default export or its only exported function.
 *
 * A module runs with this program's permissions, and so does what it imports, which may come from elsewhere even if the module
 * is a file. Only the permission to load native libraries is given up for good before a module is loaded, so open those that
 * the program needs before.
 *
 * @param name The name or the path.
 * @param options The optimizer's options.
 * @param loading Whether the module may come from elsewhere (`npm:…`, `jsr:…`, `https:…`, `data:…`).
 * @throws {TypeError} If there is no such optimizer or module, if the module's function does not return a plugin, or if
 * an optimizer of the library does not have an option.
 */
export async function loadOptimizer(
  name: string,
  options: Readonly<Record<string, OptimizerOption>>,
  { allowRemote = false }: { readonly allowRemote?: boolean } = {},
): Promise<OptimizerPlugin> {
  if (Object.hasOwn(BUILT_IN, name)) return makeBuiltIn(name, options);
  const factory = await importFactory(name, allowRemote);
  let plugin: Partial<OptimizerPlugin> | undefined;
  try {
    plugin = factory({ ...options }) as typeof plugin;
  } catch (error) {
    const { message } = error as Error;
    throw new TypeError(
      `Cannot use the optimizer ${name}: its function must accept the options, got the error: ${message}`,
    );
  }
  if (typeof plugin?.name === "string" && typeof plugin.update === "function") return plugin as OptimizerPlugin;
  throw new TypeError(
    `Cannot use the optimizer ${name}: its function must return a plugin with name and update(), got ${typeof plugin}`,
  );
}

/** An option that the factory never reads is not an option of this optimizer. */
function makeBuiltIn(name: string, options: Readonly<Record<string, OptimizerOption>>): OptimizerPlugin {
  const unread = new Set(Object.keys(options));
  const watched = new Proxy({ ...options }, {
    get(target, key) {
      unread.delete(String(key));
      return target[String(key)];
    },
  });
  const plugin = BUILT_IN[name]!(watched) as OptimizerPlugin;
  if (unread.size === 0) return plugin;
  throw new TypeError(
    `Cannot use the optimizer ${name}: all given options must be options of ${name}, got ${[...unread].join(", ")}`,
  );
}

async function importFactory(name: string, allowRemote: boolean): Promise<Factory> {
  const isPath = /^\.{0,2}\//.test(name);
  const isRemote = /^(?:npm|jsr|https?|data):/.test(name);
  if (!isPath && !isRemote && !name.startsWith("file:")) {
    const names = Object.keys(BUILT_IN).join(", ");
    throw new TypeError(
      `Cannot use the optimizer ${name}: it must be one of ${names}, or a module: a path that starts with ./ or /`,
    );
  }
  if (isRemote && !allowRemote) {
    throw new TypeError(
      `Cannot load the optimizer ${name}: it must be a file on this machine, got a module from elsewhere, which would run ` +
        "with this program's permissions; if you trust it, add --allow-remote-optimizer",
    );
  }
  giveUpFfi();
  let module: Record<string, unknown>;
  try {
    module = await import(isPath ? pathToFileURL(name).href : name);
  } catch (error) {
    throw new TypeError(`Cannot load the optimizer ${name}: ${(error as Error).message.split("\n")[0]}`);
  }
  const functions = Object.entries(module).filter(([, value]) => typeof value === "function");
  const chosen = module.default ?? (functions.length === 1 ? functions[0]![1] : undefined);
  if (typeof chosen === "function") return chosen as Factory;
  throw new TypeError(
    `Cannot use the optimizer ${name}: the module must have a default export or export a single function, got ` +
      (Object.keys(module).join(", ") || "nothing"),
  );
}
