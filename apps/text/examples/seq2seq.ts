import { argmax, concat, type NamedParameters, noGrad, type Random, scope, type Tensor, tensor } from "@unfold/core";
import { Attention, Dense, Embedding, LSTM, type LSTMState } from "@unfold/layers";

/** Sizes of a {@linkcode Seq2Seq}. */
interface Seq2SeqOptions {
  /** The number of source tokens. */
  readonly sourceTokens: number;
  /** The number of target tokens. */
  readonly targetTokens: number;
  /** Hidden units of the decoder. Must be even: each direction of the encoder has half of them. */
  readonly hiddenSize: number;
  /** Initializes the weights. */
  readonly random: Random;
}

/** A batch of source sequences: tokens [batch, time] and the length of each. */
export interface Source {
  readonly tokens: Tensor<"i32">;
  readonly lengths: readonly number[];
}

/**
 * An encoder and a decoder with attention. The encoder, a bidirectional LSTM, reads the whole source. The decoder, an
 * LSTM that starts from the encoder's last state, writes token by token and attends to the encoder's outputs at each
 * step.
 */
export class Seq2Seq {
  readonly #parts: {
    readonly sourceEmbedding: Embedding;
    readonly encoder: LSTM;
    readonly targetEmbedding: Embedding;
    readonly decoder: LSTM;
    readonly attention: Attention;
    readonly output: Dense;
  };

  constructor({ sourceTokens, targetTokens, hiddenSize, random }: Seq2SeqOptions) {
    const size = hiddenSize / 2;
    this.#parts = {
      sourceEmbedding: new Embedding({ vocabularySize: sourceTokens, outputSize: size, random }),
      encoder: new LSTM({ inputSize: size, hiddenSize: size, bidirectional: true, random }),
      targetEmbedding: new Embedding({ vocabularySize: targetTokens, outputSize: size, random }),
      decoder: new LSTM({ inputSize: size, hiddenSize, random }),
      attention: new Attention({ querySize: hiddenSize, memorySize: hiddenSize }),
      output: new Dense({ inputSize: 2 * hiddenSize, outputSize: targetTokens, random }),
    };
  }

  /** The parameters of all parts. */
  parameters(): NamedParameters {
    return Object.fromEntries(
      Object.entries(this.#parts).flatMap(([part, layer]) =>
        Object.entries(layer.parameters()).map(([name, parameter]) => [`${part}.${name}`, parameter])
      ),
    );
  }

  /**
   * Teacher forcing: predicts each token of the target from the correct tokens before it, with one call of the decoder
   * for all steps.
   *
   * @param written The start token and the target without its last token, [batch, steps].
   * @returns Logits of the next token, [batch, steps, targetTokens].
   */
  forward(source: Source, written: Tensor<"i32">): Tensor {
    const { memory, state } = this.#encode(source);
    return this.#decode(written, state, memory, source.lengths).logits;
  }

  /**
   * Writes the most likely token at each step.
   *
   * @returns The tokens of each sequence, without the start and end tokens.
   */
  generate(source: Source, { start, end, most }: { start: number; end: number; most: number }): number[][] {
    using _ = scope();
    return noGrad(() => {
      const encoded = this.#encode(source);
      let { state } = encoded;
      let last = source.lengths.map(() => start);
      const written: number[][] = last.map(() => []);
      for (let step = 0; step < most; step++) {
        const tokens = tensor(Int32Array.from(last), { shape: [last.length, 1] });
        const next = this.#decode(tokens, state, encoded.memory, source.lengths);
        state = next.state;
        last = [...argmax(next.logits).data];
        last.forEach((token, row) => written[row]!.push(token));
      }
      return written.map((tokens) => tokens.slice(0, [...tokens, end].indexOf(end)));
    });
  }

  /** The encoder's outputs, and the last states of both directions, concatenated as the decoder's initial state. */
  #encode({ tokens, lengths }: Source): { memory: Tensor; state: LSTMState } {
    const { sourceEmbedding, encoder } = this.#parts;
    const { output, state } = encoder.run(sourceEmbedding.forward(tokens), { lengths });
    return { memory: output, state };
  }

  #decode(tokens: Tensor<"i32">, state: LSTMState, memory: Tensor, lengths: readonly number[]) {
    const { targetEmbedding, decoder, attention, output } = this.#parts;
    const decoded = decoder.run(targetEmbedding.forward(tokens), { state });
    const { context } = attention.attend(decoded.output, memory, { lengths });
    return { logits: output.forward(concat([decoded.output, context], { axis: 2 })), state: decoded.state };
  }
}
