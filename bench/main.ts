/** The benchmarks of `deno task bench <name>`. Each runs in a process with no more permissions than it needs. */

import { launch, type Programs } from "../tools/launch.ts";

/** Programs that run PyTorch: they make its virtual environment. */
const PYTHON = "--allow-run --allow-read --allow-write=bench/peers/.venv";

const PEERS = "deno run --no-prompt --allow-read --allow-write --allow-run --allow-env bench/peers/run.ts";

/** All benchmarks by name. */
export const BENCHMARKS: Programs = {
  hot: {
    description: "Hot loops, each with a baseline; takes deno bench's options, such as --json and --filter",
    commands: ["deno bench --no-prompt --allow-read --allow-write --allow-ffi bench"],
  },
  compare: {
    description: "Hot loops of the working tree against another commit: compare <commit>",
    commands: ["deno run --no-prompt --allow-read --allow-write --allow-run bench/compare.ts"],
  },
  peers: {
    description: "Training and inference against PyTorch, JAX, ONNX Runtime, tfjs and others; writes bench/RESULTS.md",
    commands: [PEERS],
  },
  breakdown: {
    description: "Where the time of a training step goes: a section of bench/RESULTS.md",
    commands: ["deno run --no-prompt --allow-read=bench --allow-ffi bench/breakdown.ts"],
  },
  "char-rnn": {
    description: "Training a character model, against PyTorch if it can be installed",
    commands: [`deno run --no-prompt --allow-ffi ${PYTHON} bench/peers/char_rnn.ts`],
  },
  inference: {
    description: "The inference part of peers: a character model, against ONNX Runtime and tfjs",
    commands: [`${PEERS} --only inference`],
  },
  matmul: {
    description: "Matrix products against the engine's peak and OpenBLAS",
    commands: ["deno run --no-prompt --allow-ffi bench/matmul.ts"],
  },
  layers: {
    description: "Recurrent layers on the workloads of the speed targets: forward, and forward with backward",
    commands: ["deno run --no-prompt --allow-read=bench --allow-ffi bench/layers.ts"],
  },
  optimizers: {
    description: "Optimizers against memory bandwidth, plain loops and PyTorch",
    commands: [`deno run --no-prompt ${PYTHON} bench/optimizers.ts`],
  },
  train: {
    description: "train() against a hand-written loop",
    commands: ["deno run --no-prompt --allow-read=bench bench/train.ts"],
  },
  scaling: {
    description: "A training step at different hidden sizes, time steps, batches and layers; draws bench/scaling.svg",
    commands: ["deno run --no-prompt --allow-read=bench --allow-write=bench bench/scaling.ts"],
  },
  reading: {
    description: "Reading a table of 1,000,000 rows into a series, against d3-dsv cutting it into cells",
    commands: ["deno run --no-prompt --allow-read bench/reading.ts"],
  },
  allreduce: {
    description: "All-reduces against a C program on the same MPI library",
    commands: ["deno run --no-prompt --allow-read --allow-write --allow-run bench/allreduce.ts"],
  },
  playground: {
    description: "Training in the playground's page against Deno",
    commands: ["deno run -A bench/playground.ts"],
  },
  footprint: {
    description: "Download size in a browser, against TensorFlow.js and jax-js",
    commands: ["deno run --no-prompt --allow-read --allow-write --allow-run --allow-env bench/footprint.ts"],
  },
  startup: {
    description: "Time to import core and to start the apps",
    commands: ["deno run --no-prompt --allow-run bench/startup.ts"],
  },
};

if (import.meta.main) Deno.exitCode = launch("bench", BENCHMARKS, Deno.args);
