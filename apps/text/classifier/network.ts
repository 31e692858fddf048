import {
  add,
  concat,
  isGradEnabled,
  type NamedParameters,
  parametersOf,
  type Random,
  type Tensor,
  tensor,
} from "@unfold/core";
import {
  Dense,
  Dropout,
  Embedding,
  FinalState,
  type ForwardOptions,
  type Layer,
  MaxSteps,
  MeanSteps,
  Sequential,
} from "@unfold/layers";
import type { LayerInterchange } from "@unfold/layers/interchange";
import { makeRecurrent } from "../../shared/models.ts";
import { type BatchSize, denseSizes, embeddingSizes, recurrentSizes, type Sizes, sum } from "../../shared/sizes.ts";
import { type StackConfig, stackOptions } from "../model_file.ts";
import { type BagOfTerms, bagOfTermsInterchange } from "./bag_of_terms.ts";

/** How the outputs of all time steps become one vector: several ways give a longer vector. */
export const POOLS = ["mean", "max", "last"] as const;
export type Pool = (typeof POOLS)[number];

/** The part of a network that reads a text in order. */
export interface EncoderConfig extends StackConfig {
  readonly bidirectional: boolean;
  readonly pools: readonly Pool[];
  /** The rates at which features of tokens are dropped while training, and at which tokens become the unknown one. */
  readonly embeddingDropout: number;
  readonly wordDropout: number;
}

/** Copies of the outputs that a pooling holds: without the padding, and the gradients of both. */
const POOL_COPIES = 3;

/** How much an encoder takes. */
export function encoderSizes(
  { cell, hidden, layers, embedding, bidirectional, pools }: EncoderConfig,
  { vocabulary, classes, ...size }: BatchSize & { readonly vocabulary: number; readonly classes: number },
): Sizes {
  const width = bidirectional ? 2 * hidden : hidden;
  return sum(
    embeddingSizes({ vocabulary, features: embedding }, size),
    recurrentSizes({ cell, inputSize: embedding, hidden, layers, bidirectional }, size),
    { weights: 0, step: POOL_COPIES * pools.length * size.batch * size.time * width },
    denseSizes({ inputs: width * pools.length, outputs: classes, rows: size.batch }),
  );
}

/** Several poolings of the same outputs, one after the other: [batch, time, features] → [batch, poolings · features]. */
export class Pools implements Layer {
  constructor(readonly layers: readonly Layer[]) {}

  parameters(): NamedParameters {
    return {};
  }

  forward(x: Tensor, options?: ForwardOptions): Tensor {
    return concat(this.layers.map((layer) => layer.forward(x, options)), { axis: 1 });
  }
}

/** Makes the part of a network that reads a text in order: tokens [batch, time] → logits [batch, classes]. */
export function makeEncoder(
  { vocabulary, classes, bidirectional, pools, dropout, embeddingDropout, random, ...stack }:
    & Omit<EncoderConfig, "wordDropout">
    & {
      /** The number of tokens. */
      readonly vocabulary: number;
      readonly classes: number;
      readonly random: Random;
    },
): Sequential {
  const recurrent = makeRecurrent({ ...stackOptions({ ...stack, dropout }, random), bidirectional });
  const pool = new Pools(
    pools.map((name) =>
      name === "mean"
        ? new MeanSteps()
        : name === "max"
        ? new MaxSteps()
        : new FinalState({ directions: bidirectional ? 2 : 1 })
    ),
  );
  const inputSize = recurrent.outputSize * pools.length;
  return new Sequential([
    new Embedding({ vocabularySize: vocabulary, outputSize: stack.embedding, random }),
    new Dropout({ rate: embeddingDropout, random }),
    recurrent,
    pool,
    new Dropout({ rate: dropout, random }),
    new Dense({ inputSize, outputSize: classes, random }),
  ]);
}

/** A network that reads texts in order, as bags of terms, or both ways and adds the logits. */
export class TextNetwork implements Layer {
  readonly encoder: Sequential | undefined;
  readonly bag: BagOfTerms | undefined;
  readonly #wordDropout: { readonly rate: number; readonly unknown: number; readonly random: Random } | undefined;

  /** @param parts The encoder, the bag, or both; and the rate at which tokens become the unknown one while training. */
  constructor({ encoder, bag, wordDropout }: {
    readonly encoder?: Sequential | undefined;
    readonly bag?: BagOfTerms | undefined;
    readonly wordDropout?: { readonly rate: number; readonly unknown: number; readonly random: Random } | undefined;
  }) {
    this.encoder = encoder;
    this.bag = bag;
    this.#wordDropout = wordDropout;
  }

  parameters(): NamedParameters {
    return parametersOf({ ...(this.encoder && { encoder: this.encoder }), ...(this.bag && { bag: this.bag }) });
  }

  forward(x: Tensor<"i32">, options?: ForwardOptions): Tensor {
    const read = this.#withDropout(x);
    const [ordered, counted] = [this.encoder?.forward(read, options), this.bag?.forward(read, options)];
    return ordered === undefined ? counted! : counted === undefined ? ordered : add(ordered, counted);
  }

  #withDropout(x: Tensor<"i32">): Tensor<"i32"> {
    if (this.#wordDropout === undefined || this.#wordDropout.rate === 0 || !isGradEnabled()) return x;
    const { rate, unknown, random } = this.#wordDropout;
    return tensor(x.data.map((token) => random.uniform() < rate ? unknown : token), { shape: x.shape });
  }
}

const poolsInterchange: LayerInterchange<Pools> = {
  of: Pools,
  inner: ({ layers }) => layers.map((layer, index) => [String(index), layer] as const),
  onnx: ({ layers }, x, graph) => {
    const parts = layers.map((layer, index) => graph.layer(layer, x, { name: String(index) }));
    const width = parts.reduce((total, { shape }) => total + (shape[1] as number), 0);
    return graph.node("Concat", parts, { shape: [x.shape[0]!, width], attributes: { axis: 1 } });
  },
};

const textNetworkInterchange: LayerInterchange<TextNetwork> = {
  of: TextNetwork,
  input: () => ({ shape: ["batch", "time"], dtype: "i32" }),
  onnx: ({ encoder, bag }, x, graph) => {
    const parts = Object.entries({ encoder, bag }).flatMap(([name, layer]) =>
      layer === undefined ? [] : [graph.layer(layer, x, { name })]
    );
    return parts.reduce((sum, part) => graph.node("Add", [sum, part], { shape: sum.shape }));
  },
};

/** How to export the layers of a {@linkcode TextNetwork}. */
export const TEXT_NETWORK_LAYERS: readonly LayerInterchange[] = [
  textNetworkInterchange,
  poolsInterchange,
  bagOfTermsInterchange,
] as unknown as readonly LayerInterchange[];
