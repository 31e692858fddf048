// What must hold for the whole program before any other file of core runs.

/** The version of this module, as in `deno.json`. */
export const VERSION = "0.1.0";

/** What a loaded copy of core says about itself. */
interface Copy {
  readonly version: string;
  /** Where it was loaded from. */
  readonly place: string;
}

/** Symbols of the registry are the same for all copies of core, whatever their version. */
const KEY: unique symbol = Symbol.for("@unfold/core");
const realm = globalThis as { [KEY]?: Copy };

// Bundles that are not modules have no address.
const copy: Copy = { version: VERSION, place: import.meta.url ?? "a bundle without an address" };
const other = realm[KEY];
if (other !== undefined) {
  throw new Error(
    `Cannot load @unfold/core ${copy.version} from ${copy.place}: a program must have one copy, because each has its own ` +
      `memory, got ${other.version} from ${other.place} before; make all modules use one version: \`npm ls @unfold/core\` ` +
      "and `deno info` show who imports which",
  );
}
realm[KEY] = copy;

// Engines without `using` lack the symbol. This is the one that compilers fall back to.
if (Symbol.dispose === undefined) {
  Object.defineProperty(Symbol, "dispose", { value: Symbol.for("Symbol.dispose") });
}
