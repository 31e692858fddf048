export * from "./gru";
export * from "./layer_norm";
export * from "./lstm";
export * from "./simple_rnn";
