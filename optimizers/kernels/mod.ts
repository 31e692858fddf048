// One pass over the flat parameters per rule.

export { adam, amsgrad, lion, nadam } from "./adam";
export * from "./blend";
export { adadelta, adagrad, rmsprop } from "./rmsprop";
export * from "./sgd";
