/** A workload in brain.js, which has only a similar model: brain.ts WORKLOAD. */

import brain from "npm:brain.js@1.6.1";
import process from "node:process";
import { INPUTS, loadWorkload, numbers, serve } from "../_workload.ts";

const [name] = process.argv.slice(2) as [string];
const { cell, batch, time, vocabulary, input, hidden } = await loadWorkload(name);
if (batch > 1) throw new Error("it trains on one sequence at a time");
if (cell !== "lstm" || vocabulary !== undefined) throw new Error("it has no such layers");

// It can only learn to predict each next step. Its update rule and initial weights are its own.
const values = numbers(time * input, INPUTS);
const sequence = Array.from({ length: time }, (_, t) => values.slice(t * input, (t + 1) * input));
const network = new brain.recurrent.LSTMTimeStep({ inputSize: input, hiddenLayers: [hidden], outputSize: input });
network.train([sequence], { iterations: 1 });

await serve(() => network.trainPattern(sequence, true));
