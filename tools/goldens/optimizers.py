"""Golden values for optimizers and schedules: PyTorch's parameters after 1 and 10 steps with given gradients, and the learning
rates of its schedules.

Run with `deno task goldens optimizers`, under PyTorch 2.13.0. Writes optimizers/testdata/pytorch.json and
training/testdata/plateau.json.
"""

import json
import torch
from torch.optim import lr_scheduler

class Lion(torch.optim.Optimizer):
    """Lion, which PyTorch does not have, as Optax documents it."""

    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=1e-3):
        super().__init__(parameters, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = torch.sign((1 - b1) * p.grad + b1 * m)
                m.copy_((1 - b2) * p.grad + b2 * m)
                p -= group["lr"] * (update + group["weight_decay"] * p)


# Options have PyTorch's names; the test translates them.
RULES = {
    "sgd": (torch.optim.SGD, [
        {},
        {"weight_decay": 0.1},
        {"momentum": 0.9},
        {"momentum": 0.9, "dampening": 0.3},
        {"momentum": 0.8, "nesterov": True},
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
    ]),
    "adam": (torch.optim.Adam, [
        {},
        {"betas": [0.8, 0.95], "eps": 1e-3},
        {"amsgrad": True},
        {"betas": [0.5, 0.6], "amsgrad": True, "weight_decay": 0.1},
    ]),
    "adamW": (torch.optim.AdamW, [
        {},
        {"betas": [0.8, 0.95], "eps": 1e-3, "weight_decay": 0.3},
        {"betas": [0.5, 0.6], "amsgrad": True},
    ]),
    "rmsprop": (torch.optim.RMSprop, [
        {},
        {"alpha": 0.7, "eps": 1e-3},
        {"momentum": 0.9},
        {"centered": True},
        {"alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
    ]),
    "adagrad": (torch.optim.Adagrad, [
        {},
        {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-2},
        {"weight_decay": 0.1},
    ]),
    "adadelta": (torch.optim.Adadelta, [
        {},
        {"rho": 0.6, "eps": 1e-3, "weight_decay": 0.1},
    ]),
    "nadam": (torch.optim.NAdam, [
        {},
        {"betas": [0.8, 0.95], "eps": 1e-3, "momentum_decay": 0.1, "weight_decay": 0.1},
    ]),
    "lion": (Lion, [
        {},
        {"betas": [0.6, 0.8], "weight_decay": 0.3},
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


def rates(make, steps=40):
    """Returns the learning rate of each step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = make(optimizer)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return values


SCHEDULES = {
    "stepDecay": lambda o: lr_scheduler.StepLR(o, 7, gamma=0.3),
    "exponentialDecay": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "cosineDecay": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 41, eta_min=0.05),
    "cosineDecay, restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, T_mult=2, eta_min=0.05),
    "cosineDecay, even restarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 6),
    "linearWarmup": lambda o: lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=9),
    "oneCycle": lambda o: lr_scheduler.OneCycleLR(o, 0.5, total_steps=41),
    "oneCycle, options": lambda o: lr_scheduler.OneCycleLR(
        o, 0.5, total_steps=41, pct_start=0.45, div_factor=5, final_div_factor=10
    ),
}

def plateau(losses, **options):
    """Returns the learning rate after each epoch."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, **options)
    values = []
    for loss in losses:
        schedule.step(loss)
        values.append(optimizer.param_groups[0]["lr"])
    return values


LOSSES = [5, 4, 4, 3.9999, 4.1, 3, 3.2, 3.1, 3.05, 3, 2.95, 2.9, 2.5, 2.5, 2.6, 2.7, 2.4, 2.39, 2.39, 2.39, 2.39, 2.39]
PLATEAUS = [
    {"factor": 0.5, "patience": 1},
    {"factor": 0.5, "patience": 2, "threshold": 0.05},
    {"factor": 0.3, "patience": 0, "cooldown": 2, "min_lr": 0.02},
]

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
    "schedules": {name: rates(make) for name, make in SCHEDULES.items()},
}
with open("optimizers/testdata/pytorch.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
with open("training/testdata/plateau.json", "w") as file:
    plateaus = [{"options": options, "rates": plateau(LOSSES, **options)} for options in PLATEAUS]
    json.dump({"pytorch": torch.__version__, "losses": LOSSES, "plateaus": plateaus}, file)
    file.write("\n")
