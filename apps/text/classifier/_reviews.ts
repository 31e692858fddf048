import { Random } from "@unfold/core";
import type { LabelledText } from "./labelled_text.ts";

/** Texts whose label depends on both the first and the last word: "good … not" is negative. No pair of words tells it. */
export function reviews(count: number): LabelledText {
  const random = new Random(3);
  const fillers = ["film", "this", "was", "and", "so", "very", "long"];
  const texts: string[] = [];
  const labels: string[] = [];
  for (let i = 0; i < count; i++) {
    const [isGood, isNegated] = [random.integer(2) === 0, random.integer(2) === 0];
    const middle = Array.from({ length: random.integer(9) }, () => fillers[random.integer(fillers.length)]!);
    texts.push([isGood ? "good" : "bad", ...middle, isNegated ? "not" : "indeed", String(i)].join(" "));
    labels.push(isGood !== isNegated ? "positive" : "negative");
  }
  return { name: "reviews", texts, labels };
}
