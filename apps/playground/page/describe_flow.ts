import { format } from "./format.ts";

/**
 * What becomes of the gradient on its way back, in a sentence.
 *
 * @param switchedOff Whether every unit is a ReLU that is off at the last step.
 */
export function describeFlow(gradients: readonly number[], switchedOff = false): string {
  const [first, last] = [gradients[0]!, gradients.at(-1)!];
  if (last === 0) return "There is no gradient to follow: that of the last step is 0.";
  const ratio = first / last;
  const steps = gradients.length - 1;
  const back = `${steps} step${steps === 1 ? "" : "s"} back`;
  if (ratio === 0 && switchedOff) return "It ends at once: at the last step every unit is switched off, as ReLU does.";
  if (ratio < 1e-9) return `It vanishes: ${back} nothing is left of the last step’s gradient.`;
  if (ratio < 1e-3) {
    return `It vanishes: ${back} one part in ${format(1 / ratio, 2)} of the last step’s gradient is left.`;
  }
  if (ratio < 0.5) return `It fades: ${back} one part in ${format(1 / ratio, 2)} of the last step’s gradient is left.`;
  if (ratio > 10) return `It explodes: ${back} the gradient is ${format(ratio, 2)} times that of the last step.`;
  return `It gets through: ${back} the gradient is ${format(ratio, 2)} times that of the last step.`;
}
