import { InvalidArgumentError } from "@commander-js/extra-typings";
import type { OptimizerPlugin } from "@unfold/optimizers";
import { pathToFileURL } from "node:url";
import { OPTIMIZERS } from "./models.ts";

type Factory = (options: Record<string, unknown>) => unknown;

const BUILT_IN = OPTIMIZERS as Record<string, Factory>;

/** An option of an optimizer: a number, true or false, text, or several of them. */
export type OptimizerOption = number | boolean | string | readonly (number | boolean | string)[];

/** Parses `key=value` or `key=value,value`, and adds it to what was there; the argument of a repeated option. */
export function optimizerOption(
  text: string,
  before: Readonly<Record<string, OptimizerOption>>,
): Record<string, OptimizerOption> {
  const at = text.indexOf("=");
  const [key, value] = [text.slice(0, at).trim(), text.slice(at + 1)];
  if (at < 1 || key === "") throw new InvalidArgumentError("It must be key=value.");
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`${key} is there twice.`);
  const parts = value.split(",").map((part) => {
    if (part === "true" || part === "false") return part === "true";
    return part.trim() === "" || Number.isNaN(Number(part)) ? part : Number(part);
  });
  return { ...before, [key]: parts.length === 1 ? parts[0]! : parts };
}

/**
 * Makes an optimizer: one of the library's by name, or that of a module by path or specifier (`./mine.ts`, `npm:…`,
 * `jsr:…`), which is its default export or the only function that it exports.
 *
 * @throws {TypeError} If there is no such optimizer or module, it makes no plugin, or a rule of the library does not
 * know an option.
 */
export async function loadOptimizer(
  name: string,
  options: Readonly<Record<string, OptimizerOption>>,
): Promise<OptimizerPlugin> {
  if (Object.hasOwn(BUILT_IN, name)) return makeBuiltIn(name, options);
  const factory = await importFactory(name);
  let plugin: Partial<OptimizerPlugin> | undefined;
  try {
    plugin = factory({ ...options }) as typeof plugin;
  } catch (error) {
    throw new TypeError(
      `Cannot use the optimizer ${name}: its function must take the options, and says: ${(error as Error).message}`,
    );
  }
  if (typeof plugin?.name === "string" && typeof plugin.update === "function") return plugin as OptimizerPlugin;
  throw new TypeError(
    `Cannot use the optimizer ${name}: its function must return a plugin, with a name and update(), got ${typeof plugin}`,
  );
}

/** Whatever option a rule of the library does not so much as look at, is not one. */
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
    `Cannot use the optimizer ${name}: it must know its options, and has none named ${[...unread].join(", ")}`,
  );
}

async function importFactory(name: string): Promise<Factory> {
  const isPath = /^\.{0,2}\//.test(name);
  if (!isPath && !/^(?:npm|jsr|https?|file):/.test(name)) {
    throw new TypeError(
      `Cannot use the optimizer ${name}: it must be ${
        Object.keys(BUILT_IN).join(", ")
      }, or a module: a path that starts ` +
        "with ./ or /, npm:… or jsr:…",
    );
  }
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
    `Cannot use the optimizer ${name}: the module must export one function, or one as default, got ` +
      (Object.keys(module).join(", ") || "nothing"),
  );
}
