"""Golden values for the optimizers: PyTorch's parameters after 1 and 10 steps with given gradients.

Run with `deno task goldens` (needs Debian's python3-torch). Writes optimizers/testdata/pytorch.json.
"""

import json
import torch

RULES = {
    "sgd": (torch.optim.SGD, [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.8, "nesterov": True},
    ]),
    "adam": (torch.optim.Adam, [
        {},
        {"betas": [0.8, 0.95], "eps": 1e-3},
    ]),
}

SHAPES = {"weight": [3, 2], "bias": [5]}
STEPS = 10


def flat(tensors):
    return [value for tensor in tensors for value in tensor.detach().flatten().tolist()]


def run(rule, options, initial, gradients):
    parameters = [torch.nn.Parameter(tensor.clone()) for tensor in initial]
    optimizer = rule(parameters, lr=0.05, **options)
    after = {}
    for step in range(1, STEPS + 1):
        for parameter, gradient in zip(parameters, gradients[step - 1]):
            parameter.grad = gradient.clone()
        optimizer.step()
        if step in (1, STEPS):
            after[step] = flat(parameters)
    return after


torch.manual_seed(0)
initial = [torch.randn(shape) for shape in SHAPES.values()]
gradients = [[torch.randn(shape) for shape in SHAPES.values()] for _ in range(STEPS)]
golden = {
    "pytorch": torch.__version__,
    "learningRate": 0.05,
    "shapes": SHAPES,
    "initial": flat(initial),
    "gradients": [flat(step) for step in gradients],
    "cases": [
        {"rule": name, "options": options, "after": run(rule, options, initial, gradients)}
        for name, (rule, variants) in RULES.items()
        for options in variants
    ],
}
with open("optimizers/testdata/pytorch.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
