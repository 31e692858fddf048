export * from "./gru";
export * from "./lstm";
export * from "./simple_rnn";
