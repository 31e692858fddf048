import { type NamedParameters, scope, type Tensor } from "@unfold/core";
import { adam, clipByGlobalNorm, cosineDecay, Optimizer } from "@unfold/optimizers";

/**
 * The training loop that the examples share: takes a number of steps, each with a fresh loss, and yields the losses.
 */
export function* takeSteps(
  parameters: NamedParameters,
  { steps, learningRate, loss }: { steps: number; learningRate: number; loss: () => Tensor },
): Generator<number, void, undefined> {
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(1), adam()], {
    learningRate: cosineDecay(learningRate, steps),
  });
  for (let step = 1; step <= steps; step++) yield takeStep();

  /** Opens and closes the scope of one step, because a scope must not stay open across a yield. */
  function takeStep(): number {
    using _ = scope();
    const error = loss();
    error.backward();
    optimizer.step();
    return error.item();
  }
}
