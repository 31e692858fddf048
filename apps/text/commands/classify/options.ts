import { Option } from "@commander-js/extra-typings";
import { LABEL_CASES } from "../../classifier/labelled_text.ts";
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

/** `--label-column`. */
export function labelColumnOption() {
  return new Option("--label-column <title>", "column with the labels, by title or position").default("label");
}

/** `--label-case`. */
export function labelCaseOption() {
  return new Option("--label-case <how>", "labels that differ only in case: ask, merge them or keep them apart")
    .choices(LABEL_CASES).default(LABEL_CASES[0]);
}

/** The name of one token. */
export function unitOf(tokens: ClassifierTokens): string {
  return tokens === "char" ? "character" : tokens;
}
