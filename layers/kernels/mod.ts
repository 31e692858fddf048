export * from "./lstm";
