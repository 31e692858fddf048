import { kernels } from "./_kernels.ts";
import { recurrentProduct } from "./_recurrent_product.ts";
import type { Cell } from "./cell.ts";

const ALL = [{ from: 0, to: 1 }];

/** The simple recurrent network; the equations stand at `SimpleRNN`. */
export function simpleRnnCell(relu: boolean): Cell {
  return {
    name: "SimpleRNN",
    gates: 1,
    blocks: ALL,
    states: ["hidden"],
    direct: false,
    recurrentBias: false,
    begin(frame) {
      const { batch, hidden, weights } = frame;
      const product = recurrentProduct(frame, ALL);
      return {
        forward() {
          const multiply = product.forward();
          return (t) => {
            const gates = frame.gates(t);
            multiply(t, frame.input(t), { offset: gates, accumulate: true });
            kernels.simpleRnnForward(batch, hidden, gates, weights.bias.offset, frame.after(0, t), relu);
          };
        },
        backward({ gradients, dOutput, dGates, dState, dInput }) {
          const back = product.backward(dGates(0), gradients);
          return {
            step(t) {
              kernels.simpleRnnBackward(batch, hidden, frame.after(0, t), dOutput(t), dState(0), dGates(t), relu);
              back.step(t, dInput);
            },
            finish: () => back.finish(frame.input(0)),
          };
        },
      };
    },
  };
}
