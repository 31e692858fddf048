/** The programs of `deno task test`, `ok`, `example`, `picture` and `goldens`. */

import { launch, type Programs } from "./launch.ts";
import { MODULE_FILES } from "./modules.ts";

/** Permissions of the unit tests: they start programs and serve files to them. */
const TESTS = "--no-prompt --allow-read --allow-write --allow-run --allow-ffi --allow-net=127.0.0.1";
/** Makes the virtual environment of a folder, runs a script of that folder in it, and formats what the script wrote. */
function pythonCommands(folder: string, script: string, written: string): string[] {
  return [
    `deno run --quiet --no-prompt --allow-run --allow-read --allow-write=tools/goldens tools/python.ts ${folder}`,
    `${folder}/.venv/bin/python ${folder}/${script}`,
    `deno fmt --quiet ${written}`,
  ];
}

/** Golden values from PyTorch. */
function ofPyTorch(name: string, description: string) {
  const written = "layers/testdata optimizers/testdata training/testdata";
  return { description, commands: pythonCommands("tools/goldens", `${name}.py`, written) };
}

/** The programs of each task. `all` lists those that run if no name is given. */
export const TASKS: Readonly<Record<string, { readonly programs: Programs; readonly all?: readonly string[] }>> = {
  test: {
    programs: {
      unit: {
        description: "The library, the documentation's examples and the apps",
        commands: [`deno test --doc ${TESTS}`],
      },
      plain: {
        description: "Ops, layers and optimizers with the kernels for engines without relaxed SIMD",
        commands: [
          "deno test --quiet --no-prompt --allow-ffi --allow-read=layers --preload=tools/plain_simd.ts core/ops " +
          "core/autograd_test.ts layers optimizers training/pytorch_test.ts training/train_test.ts",
        ],
      },
      playground: {
        description: "The playground and the browser programs in docs/onnx.md, if Chromium is installed",
        commands: ["deno test --quiet -A apps/playground/browser_checks.ts docs/browser_checks.ts"],
      },
      properties: {
        description: "Property tests of the library from a new seed, which is printed",
        commands: [
          `deno test ${TESTS} --preload=tools/free_seed.ts core layers optimizers training apps/shared`,
        ],
      },
      fuzz: {
        description: "Feed damaged input to every reader: fuzz MINUTES [READER...]; finds go to runs/fuzz",
        commands: [
          "deno run --no-prompt --allow-read --allow-write --allow-run --allow-net=127.0.0.1 --allow-env tools/fuzz.ts",
        ],
      },
      kill: {
        description: "Kill training at random system calls, resume, compare the weights: kill COUNT; needs strace",
        commands: ["deno run --no-prompt --allow-read --allow-write --allow-run tools/kill.ts"],
      },
      runtimes: {
        description:
          "The packed npm packages on Node, Bun and in Chromium: the READMEs' programs, their types, and the apps",
        commands: ["deno test --quiet -A tools/runtimes/checks.ts"],
      },
      node: {
        description: "The library's tests on Node 22, the oldest one, after `test runtimes`",
        commands: ["deno test --quiet -A --filter=/bundle|Node.22/ tools/runtimes/library_checks.ts"],
      },
      library: {
        description: "The library's tests on Node and Bun, after `test runtimes`; a part of a path selects files",
        commands: ["deno test --quiet -A tools/runtimes/library_checks.ts --"],
      },
      hosts: {
        description: "Ten Open MPI training runs on two simulated hosts (network namespaces); needs root",
        commands: [`distributed/testdata/two_hosts.sh ${Deno.execPath()} 10`],
      },
    },
    all: ["unit", "plain", "playground"],
  },
  ok: {
    programs: {
      format: { description: "Formatting", commands: ["deno fmt --check"] },
      lint: { description: "Lint rules", commands: ["deno lint"] },
      types: { description: "Types", commands: ["deno check ."] },
      docs: {
        description: "Documentation of public symbols",
        commands: [`deno doc --lint ${[...MODULE_FILES.values()].join(" ")}`],
      },
      imports: {
        description: "Imports between modules, and import cycles",
        commands: ["deno run --allow-read tools/check_imports.ts"],
      },
      kernels: {
        description: "Committed kernels against their sources",
        commands: [
          "deno run --allow-read --allow-env tools/build_kernels.ts --check",
          "deno task --cwd examples/plugin kernel --check",
        ],
      },
      versions: {
        description: "The versions of the modules, the changelog and, as an argument, a release's tag",
        commands: ["deno run --allow-read tools/check_versions.ts"],
      },
      publish: {
        description: "A dry run of publishing",
        commands: ["deno publish --dry-run --allow-dirty --quiet"],
      },
      coverage: {
        description: "The unit tests again; they must cover at least 90 % of lines and branches",
        commands: [
          `deno test --doc --quiet ${TESTS} --coverage=coverage --clean`,
          "deno run --allow-read=coverage --allow-write=coverage tools/prune_coverage.ts",
          "deno coverage --threshold=90 --exclude=_test\\.ts|tools/|node_modules coverage",
        ],
      },
    },
    all: ["format", "lint", "types", "docs", "imports", "kernels", "versions", "publish", "coverage"],
  },
  example: {
    programs: {
      brackets: {
        description: "Many to one: an LSTM learns whether brackets are balanced",
        commands: ["deno run --no-prompt apps/text/examples/brackets.ts"],
      },
      names: {
        description: "One to many: a GRU writes first names from a label",
        commands: ["deno run --no-prompt apps/text/examples/names.ts"],
      },
      capitals: {
        description: "One to one, in step: a bidirectional LSTM restores the capitals of a text",
        commands: ["deno run --no-prompt apps/text/examples/capitals.ts"],
      },
      dates: {
        description: "Encoder, decoder and attention: LSTMs convert dates to ISO 8601",
        commands: ["deno run --no-prompt apps/text/examples/dates.ts"],
      },
    },
  },
  picture: {
    programs: {
      gradients: {
        description: "layers/docs/gradient_flow.svg: how far gradients reach back in time",
        commands: [
          "deno run --no-prompt --allow-write=layers/docs tools/gradient_flow_picture.ts",
          "deno fmt --quiet layers/docs/gradient_flow.svg",
        ],
      },
      architecture: {
        description: "docs/architecture.svg: a training step and a forecast through the files",
        commands: [
          "deno run --no-prompt --allow-write=docs tools/architecture_picture.ts",
          "deno fmt --quiet docs/architecture.svg",
        ],
      },
    },
  },
  goldens: {
    programs: {
      layers: ofPyTorch("layers", "Recurrent layers: layers/testdata/pytorch.json"),
      feedforward: ofPyTorch("feedforward", "Other layers and losses: layers/testdata/pytorch_feedforward.json"),
      optimizers: ofPyTorch(
        "optimizers",
        "Optimizers and schedules: optimizers/testdata and training/testdata/plateau.json",
      ),
      training: ofPyTorch("training", "Whole training runs: training/testdata/pytorch.json"),
      interchange: ofPyTorch(
        "interchange",
        "Models for weight import: layers/interchange/testdata/pytorch.safetensors",
      ),
      forecast: {
        description: "Classical forecasts, with statsforecast: apps/forecast/testdata/statsforecast.json",
        commands: pythonCommands("tools/goldens/forecast", "methods.py", "apps/forecast/testdata"),
      },
      text: {
        description: "Baselines of the text classifier, with scikit-learn: apps/text/testdata/scikit_learn.json",
        commands: pythonCommands("tools/goldens/text", "baselines.py", "apps/text/testdata"),
      },
    },
    all: ["layers", "feedforward", "optimizers", "training", "interchange", "forecast", "text"],
  },
};

if (import.meta.main) {
  const [task, ...args] = Deno.args as [string, ...string[]];
  const { programs, ...options } = TASKS[task]!;
  Deno.exitCode = launch(task, programs, args, options);
}
