import { defineOp, empty, scope, Tensor, zeros } from "@unfold/core";
import { coreKernels, gemm, rightOperand, scratch } from "@unfold/core/kernels";
import { kernels } from "./_kernels.ts";

/** One time step's piece of a time-major tensor. */
function viewOf(x: Tensor, shape: readonly number[], offset: number): Tensor {
  return new Tensor(shape, { dtype: "f32", offset, owner: x.owner });
}

/**
 * The LSTM over whole sequences as one op: x [batch, time, inputSize], h and c [batch, hidden], weights as in `LSTM` →
 * output [batch, time, hidden], last h, last c.
 *
 * Inside, everything is time-major, so that one time step of a batch lies in one piece.
 */
export const lstmSequence: (
  x: Tensor,
  h: Tensor,
  c: Tensor,
  inputWeight: Tensor,
  recurrentWeight: Tensor,
  bias: Tensor,
) => readonly [output: Tensor, hidden: Tensor, cell: Tensor] = defineOp(
  "LSTM",
  (x: Tensor, h: Tensor, c: Tensor, inputWeight: Tensor, recurrentWeight: Tensor, bias: Tensor) => {
    const [batch, time, inputSize] = x.shape as [number, number, number];
    const hidden = h.shape[1]!;
    const width = 4 * hidden;
    /** Bytes of a time step of a state, and of the gates. */
    const [step, gateStep] = [4 * batch * hidden, 4 * batch * width];

    const xs = empty([time, batch, inputSize]);
    coreKernels.swapAxes(x.offset, xs.offset, batch, time, 4 * inputSize);
    const gates = empty([time, batch, width]);
    // State 0 is the initial one: row t·batch is what time step t starts from.
    const hiddens = empty([time + 1, batch, hidden]);
    const cells = empty([time + 1, batch, hidden]);
    const tanhCells = empty([time, batch, hidden]);
    hiddens.data.set(h.data);
    cells.data.set(c.data);
    {
      using _ = scope();
      const u = rightOperand({ k: inputSize, n: width, offset: inputWeight.offset, stride: width }, {
        rows: time * batch,
      });
      const w = rightOperand({ k: hidden, n: width, offset: recurrentWeight.offset, stride: width }, {
        rows: time * batch,
      });
      gemm({ m: time * batch, a: xs.offset, aStride: inputSize, b: u, c: gates.offset, cStride: width });
      for (let t = 0; t < time; t++) {
        const [before, gate] = [t * step, gates.offset + t * gateStep];
        gemm({
          m: batch,
          a: hiddens.offset + before,
          aStride: hidden,
          b: w,
          c: gate,
          cStride: width,
          accumulate: true,
        });
        kernels.lstmForward(
          batch,
          hidden,
          gate,
          bias.offset,
          cells.offset + before,
          cells.offset + before + step,
          tanhCells.offset + before,
          hiddens.offset + before + step,
        );
      }
    }
    const output = empty([batch, time, hidden]);
    coreKernels.swapAxes(hiddens.offset + step, output.offset, time, batch, 4 * hidden);

    return {
      inputs: [x, h, c, inputWeight, recurrentWeight, bias],
      output: [
        output,
        viewOf(hiddens, h.shape, hiddens.offset + time * step),
        viewOf(cells, c.shape, cells.offset + time * step),
      ] as const,
      backward: (dOutput, dLastHidden, dLastCell) => {
        const dx = x.requiresGrad ? empty(x.shape) : undefined;
        const dInputWeight = empty(inputWeight.shape);
        const dRecurrentWeight = empty(recurrentWeight.shape);
        const dBias = zeros(bias.shape);
        const dHidden = empty(h.shape);
        const dCell = empty(c.shape);
        dHidden.data.set(dLastHidden.data);
        dCell.data.set(dLastCell.data);

        using _ = scope();
        const dOutputs = scratch(time * step);
        coreKernels.swapAxes(dOutput.offset, dOutputs, batch, time, 4 * hidden);
        const dGates = scratch(time * gateStep);
        const wT = rightOperand({
          k: width,
          n: hidden,
          offset: recurrentWeight.offset,
          stride: width,
          transposed: true,
        });
        for (let t = time - 1; t >= 0; t--) {
          const [before, gate] = [t * step, dGates + t * gateStep];
          kernels.lstmBackward(
            batch,
            hidden,
            gates.offset + t * gateStep,
            cells.offset + before,
            tanhCells.offset + before,
            dOutputs + before,
            dHidden.offset,
            dCell.offset,
            gate,
          );
          gemm({ m: batch, a: gate, aStride: width, b: wT, c: dHidden.offset, cStride: hidden });
        }

        const rows = time * batch;
        const dGatesRight = rightOperand({ k: rows, n: width, offset: dGates, stride: width }, {
          rows: inputSize + hidden,
        });
        const transposedTimes = (a: number, size: number, c: number) =>
          gemm({ m: size, a, aStride: size, aTransposed: true, b: dGatesRight, c, cStride: width });
        transposedTimes(xs.offset, inputSize, dInputWeight.offset);
        transposedTimes(hiddens.offset, hidden, dRecurrentWeight.offset);
        coreKernels.sumInto(dGates, dBias.offset, rows, width, 0, 4);
        if (dx !== undefined) {
          const uT = rightOperand({
            k: width,
            n: inputSize,
            offset: inputWeight.offset,
            stride: width,
            transposed: true,
          });
          const dxs = scratch(4 * rows * inputSize);
          gemm({ m: rows, a: dGates, aStride: width, b: uT, c: dxs, cStride: inputSize });
          coreKernels.swapAxes(dxs, dx.offset, time, batch, 4 * inputSize);
        }
        return [dx, dHidden, dCell, dInputWeight, dRecurrentWeight, dBias];
      },
    };
  },
);
