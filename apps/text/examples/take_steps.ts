import { type NamedParameters, scope, type Tensor } from "@unfold/core";
import { adam, clipByGlobalNorm, cosineDecay, Optimizer } from "@unfold/optimizers";

/**
 * Trains for so many steps, each with a loss of new samples, and yields the losses: the loop that the examples share.
 */
export function* takeSteps(
  parameters: NamedParameters,
  { steps, learningRate, loss }: { steps: number; learningRate: number; loss: () => Tensor },
): Generator<number, void, undefined> {
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(1), adam()], {
    learningRate: cosineDecay(learningRate, steps),
  });
  for (let step = 1; step <= steps; step++) yield takeStep();

  /** A scope of its own, for none stays open while what is yielded is looked at. */
  function takeStep(): number {
    using _ = scope();
    const error = loss();
    error.backward();
    optimizer.step();
    return error.item();
  }
}
