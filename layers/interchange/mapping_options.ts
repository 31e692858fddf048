import type { LayerInterchange } from "./layer_interchange.ts";

/** Options of the mappings to another framework's weights. */
export interface ToForeignOptions {
  /**
   * The names of the other framework's modules, one for each layer that learns, in order: `["lstm", "head"]`. `""` is that of a
   * module whose tensors' names have nothing before them. No two of the tensors may then have the same name.
   *
   * @default {of PyTorch the indices in the Sequential, as in an nn.Sequential; of Keras those that it gives: layers/lstm, layers/lstm_1}
   */
  readonly modules?: readonly string[];
  /**
   * What is known of layers of your own.
   *
   * @default {[]}
   */
  readonly layers?: readonly LayerInterchange[];
}

/** Options of the mappings from another framework's weights. */
export interface FromForeignOptions extends ToForeignOptions {
  /**
   * Names of tensors that may be left aside, such as those of an optimizer or of another part of the model: of Keras's files
   * `/^optimizer\/|\/seed_generator\//`.
   *
   * @default {none: every tensor must belong to a layer}
   */
  readonly ignore?: RegExp;
}
