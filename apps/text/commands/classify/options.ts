import { Option } from "@commander-js/extra-typings";
import type { ClassifierTokens } from "../../classifier/tokens.ts";

/** The default output folder. */
export const DEFAULT_OUT = "runs/classify";
/** The default classifier file. */
export const DEFAULT_CLASSIFIER = `${DEFAULT_OUT}/classifier.safetensors`;
/** Texts classified at a time. */
export const AT_ONCE = 256;

/** `--text-column`. */
export function textColumnOption() {
  return new Option("--text-column <title>", "column with the texts, by title or position").default("text");
}

/** The name of one token. */
export function unitOf(tokens: ClassifierTokens): string {
  return tokens === "char" ? "character" : tokens;
}
