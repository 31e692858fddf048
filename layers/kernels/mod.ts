export * from "./gates";
export * from "./gru";
export * from "./layer_norm";
export * from "./lstm";
