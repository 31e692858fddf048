import { type NamedParameters, scope, type Tensor } from "@unfold/core";
import { adam, clipByGlobalNorm, cosineDecay, Optimizer } from "@unfold/optimizers";

/**
 * The training loop of the examples: takes a number of steps, each on a new loss, and yields the losses.
 */
export function* takeSteps(
  parameters: NamedParameters,
  { steps, learningRate, loss }: { steps: number; learningRate: number; loss: () => Tensor },
): Generator<number, void, undefined> {
  const optimizer = new Optimizer(parameters, [clipByGlobalNorm(1), adam()], {
    learningRate: cosineDecay(learningRate, steps),
  });
  for (let step = 1; step <= steps; step++) yield takeStep();

  /** Runs one step in a scope. It is a function because a scope must not stay open across a yield. */
  function takeStep(): number {
    using _ = scope();
    const error = loss();
    error.backward();
    optimizer.step();
    return error.item();
  }
}
