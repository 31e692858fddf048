export * from "./copy";
export * from "./elementwise";
export { gemm, pack } from "./matmul";
export * from "./probe";
export * from "./reduce";
export { scratch } from "./scratch";
export * from "./softmax";
