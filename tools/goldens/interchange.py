"""PyTorch models for the tests of weight exchange: state_dicts, an input and its output for each.

Run with `deno task goldens interchange`, under PyTorch 2.13.0. Writes layers/interchange/testdata/pytorch.safetensors.
With two arguments, loads weights and inputs from the first file into the same models and writes their outputs to the second.
"""

import json
import sys
import torch

import safetensors_file

INPUT, HIDDEN, VOCABULARY, CLASSES = 3, 4, 7, 2
MODULES = {"SimpleRNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}
KINDS = [
    {},
    {"bias": False},
    {"layers": 2},
    {"layers": 2, "bidirectional": True},
]
CASES = [{"cell": cell, **kind} for cell in MODULES for kind in KINDS] + [{"cell": "LSTM", "model": True}]


class Model(torch.nn.Module):
    """A model with named modules, as users write them."""

    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, INPUT)
        self.encoder = torch.nn.LSTM(INPUT, HIDDEN, num_layers=2, bidirectional=True, batch_first=True)
        self.norm = torch.nn.LayerNorm(2 * HIDDEN)
        self.head = torch.nn.Linear(2 * HIDDEN, CLASSES)

    def forward(self, x):
        return self.head(self.norm(self.encoder(self.embedding(x))[0][:, -1]))


def build(case):
    if case.get("model"):
        return Model()
    make = MODULES[case["cell"]]
    options = {"bias": case.get("bias", True), "bidirectional": case.get("bidirectional", False)}
    return make(INPUT, HIDDEN, num_layers=case.get("layers", 1), batch_first=True, **options)


def outputs(model, x):
    with torch.no_grad():
        result = model(x)
    return result[0] if isinstance(result, tuple) else result


def goldens():
    torch.manual_seed(0)
    tensors = {}
    for index, case in enumerate(CASES):
        model = build(case)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
        x = torch.randint(0, VOCABULARY, (2, 6)) if case.get("model") else torch.randn(2, 6, INPUT)
        tensors[f"{index}.x"] = x.numpy()
        tensors[f"{index}.output"] = outputs(model, x).numpy()
        for name, value in model.state_dict().items():
            tensors[f"{index}.weights.{name}"] = value.numpy()
    metadata = {"pytorch": torch.__version__, "cases": json.dumps(CASES)}
    safetensors_file.write("layers/interchange/testdata/pytorch.safetensors", tensors, metadata)


def run(source, target):
    tensors, _ = safetensors_file.read(source)
    results = {}
    for index, case in enumerate(CASES):
        model = build(case)
        start = f"{index}.weights."
        weights = {name[len(start):]: torch.tensor(value) for name, value in tensors.items() if name.startswith(start)}
        model.load_state_dict(weights)
        x = torch.tensor(tensors[f"{index}.x"])
        results[f"{index}.output"] = outputs(model, x).numpy()
    safetensors_file.write(target, results, {})


run(*sys.argv[1:]) if len(sys.argv) == 3 else goldens()
