import { decodeSafetensors, Random, type SafetensorsInput } from "@unfold/core";
import {
  Dense,
  Embedding,
  GRU,
  LastStep,
  type Layer,
  LayerNorm,
  LSTM,
  type RecurrentOptions,
  Sequential,
  SimpleRNN,
} from "@unfold/layers";
import type { Numbers } from "../../../tools/testing.ts";

/** A model that PyTorch has too, as tools/goldens/interchange.py says. */
export interface PyTorchModel {
  readonly name: string;
  /** Ours, with weights of its own. */
  readonly model: Layer;
  /** The names of PyTorch's modules. */
  readonly modules: readonly string[];
  /** PyTorch's weights. */
  readonly weights: ReadonlyMap<string, SafetensorsInput>;
  readonly x: Numbers;
  /** What PyTorch gives. */
  readonly output: Numbers;
}

type Case = Partial<RecurrentOptions> & { readonly cell: "SimpleRNN" | "LSTM" | "GRU"; readonly model?: boolean };

const CELLS = { SimpleRNN, LSTM, GRU };

function build({ cell, model = false, ...options }: Case, random: Random): Layer {
  if (!model) return new CELLS[cell]({ inputSize: 3, hiddenSize: 4, random, ...options });
  return new Sequential([
    new Embedding({ vocabularySize: 7, outputSize: 3, random }),
    new LSTM({ inputSize: 3, hiddenSize: 4, layers: 2, bidirectional: true, random }),
    new LastStep(),
    new LayerNorm({ size: 8 }),
    new Dense({ inputSize: 8, outputSize: 2, random }),
  ]);
}

/** The models that PyTorch was asked for. */
export function pytorchModels(): PyTorchModel[] {
  const file = Deno.readFileSync(new URL("../testdata/pytorch.safetensors", import.meta.url));
  const { tensors, metadata } = decodeSafetensors(file);
  const random = new Random(1);
  return (JSON.parse(metadata.cases!) as Case[]).map((options, index) => {
    const start = `${index}.weights.`;
    const weights = [...tensors].filter(([name]) => name.startsWith(start));
    return {
      name: options.model ? "a model" : JSON.stringify(options).replaceAll(/["{}]/g, ""),
      model: build(options, random),
      modules: options.model ? ["embedding", "encoder", "norm", "head"] : [""],
      weights: new Map(weights.map(([name, tensor]) => [name.slice(start.length), tensor])),
      x: tensors.get(`${index}.x`) as Numbers,
      output: tensors.get(`${index}.output`) as Numbers,
    };
  });
}
