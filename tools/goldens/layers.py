"""Golden values for the recurrent layers: PyTorch's outputs and gradients for given weights, inputs and states.

Run with `deno task goldens layers`, under PyTorch 2.13.0. Writes layers/testdata/pytorch.json with Unfold's names and
layout: weights are [input, gates·hidden], states [batch, parts·hidden]. PyTorch's second bias is 0, except for the GRU's
candidate, where it is `recurrentBias`.
"""

import json
import torch

BATCH, TIME, INPUT, HIDDEN = 2, 5, 3, 4

CELLS = {
    "SimpleRNN tanh": lambda **options: torch.nn.RNN(INPUT, HIDDEN, batch_first=True, **options),
    "SimpleRNN relu": lambda **options: torch.nn.RNN(INPUT, HIDDEN, batch_first=True, nonlinearity="relu", **options),
    "LSTM": lambda **options: torch.nn.LSTM(INPUT, HIDDEN, batch_first=True, **options),
    "GRU": lambda **options: torch.nn.GRU(INPUT, HIDDEN, batch_first=True, **options),
}

SHAPES = [
    {"layers": 1, "bidirectional": False},
    {"layers": 2, "bidirectional": False},
    {"layers": 2, "bidirectional": True},
]


def entry(tensor):
    # Nine digits identify a 32-bit float.
    return {"shape": list(tensor.shape), "data": [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]}


def state_entry(tensor):
    """[parts, batch, hidden] → [batch, parts·hidden]"""
    return entry(tensor.transpose(0, 1).reshape(BATCH, -1))


def parameters(layer, gradient):
    """Unfold's names → values or gradients."""
    named = dict(layer.named_parameters())
    values = {}
    for name, parameter in named.items():
        value = parameter.grad if gradient else parameter
        kind, part = name.split("_l")
        index, reverse = part.split("_reverse")[0], part.endswith("_reverse")
        prefix = ("" if index == "0" else f"layer{index}.") + ("reverse." if reverse else "")
        if kind == "weight_ih":
            values[f"{prefix}inputWeight"] = entry(value.t().contiguous())
        elif kind == "weight_hh":
            values[f"{prefix}recurrentWeight"] = entry(value.t().contiguous())
        elif kind == "bias_ih":
            values[f"{prefix}bias"] = entry(value)
        elif isinstance(layer, torch.nn.GRU):
            values[f"{prefix}recurrentBias"] = entry(value[2 * HIDDEN:])
    return values


def case(name, make, shape):
    layer = make(num_layers=shape["layers"], bidirectional=shape["bidirectional"])
    with torch.no_grad():
        for key, value in layer.named_parameters():
            if key.startswith("bias_hh"):
                (value[: 2 * HIDDEN] if isinstance(layer, torch.nn.GRU) else value).zero_()
    parts = shape["layers"] * (2 if shape["bidirectional"] else 1)
    x = torch.randn(BATCH, TIME, INPUT, requires_grad=True)
    states = [torch.randn(parts, BATCH, HIDDEN, requires_grad=True) for _ in range(2 if name == "LSTM" else 1)]
    output, last = layer(x, tuple(states) if name == "LSTM" else states[0])
    results = [output, *(last if name == "LSTM" else [last])]
    # A weighted sum of all outputs, so that every path has a gradient.
    weights = [torch.randn_like(value) for value in results]
    sum((value * weight).sum() for value, weight in zip(results, weights)).backward()
    return {
        "cell": name,
        **shape,
        "parameters": parameters(layer, gradient=False),
        "x": entry(x),
        "states": [state_entry(state) for state in states],
        "outputs": [entry(output), *map(state_entry, results[1:])],
        "weights": [entry(weights[0]), *map(state_entry, weights[1:])],
        "gradients": {
            "parameters": parameters(layer, gradient=True),
            "x": entry(x.grad),
            "states": [state_entry(state.grad) for state in states],
        },
    }


torch.manual_seed(0)
golden = {"pytorch": torch.__version__, "cases": [case(name, make, shape) for name, make in CELLS.items() for shape in SHAPES]}
with open("layers/testdata/pytorch.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
