"""Golden losses of training runs in PyTorch: 100 Adam steps with each cell. The model is a recurrent layer, its last step and a
Linear layer; the loss is the mean squared error.

Run with `deno task goldens training`, under PyTorch 2.13.0. Writes training/testdata/pytorch.json with Unfold's names and
layout: weights are [input, gates·hidden]. PyTorch's second bias stays 0, except for the GRU's candidate.
"""

import json
import torch

BATCH, TIME, INPUT, HIDDEN, BATCHES, STEPS, RATE = 3, 7, 4, 5, 4, 100, 0.01

CELLS = {"SimpleRNN": torch.nn.RNN, "LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}


def entry(tensor):
    # Nine digits identify a 32-bit float.
    return {"shape": list(tensor.shape), "data": [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]}


def run(name, make, x, y):
    layer = make(INPUT, HIDDEN, batch_first=True)
    dense = torch.nn.Linear(HIDDEN, 1)
    is_gru = name == "GRU"
    # Unfold has one bias, PyTorch two: the second one stays 0, except for the GRU's candidate.
    free = torch.zeros_like(layer.bias_hh_l0)
    if is_gru:
        free[2 * HIDDEN:] = 1
    with torch.no_grad():
        layer.bias_hh_l0.mul_(free)
    layer.bias_hh_l0.register_hook(lambda gradient: gradient * free)
    initial = {
        "0.inputWeight": entry(layer.weight_ih_l0.t().contiguous()),
        "0.recurrentWeight": entry(layer.weight_hh_l0.t().contiguous()),
        "0.bias": entry(layer.bias_ih_l0),
        **({"0.recurrentBias": entry(layer.bias_hh_l0[2 * HIDDEN:])} if is_gru else {}),
        "2.weight": entry(dense.weight.t().contiguous()),
        "2.bias": entry(dense.bias),
    }
    optimizer = torch.optim.Adam([*layer.parameters(), *dense.parameters()], lr=RATE)
    losses = []
    for step in range(STEPS):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(dense(layer(x[step % BATCHES])[0][:, -1]), y[step % BATCHES])
        loss.backward()
        optimizer.step()
        losses.append(float(f"{loss.item():.9g}"))
    return {"initial": initial, "losses": losses}


torch.manual_seed(0)
x = torch.randn(BATCHES, BATCH, TIME, INPUT)
y = torch.randn(BATCHES, BATCH, 1)
golden = {
    "pytorch": torch.__version__,
    "learningRate": RATE,
    "x": entry(x),
    "y": entry(y),
    "cells": {name: run(name, make, x, y) for name, make in CELLS.items()},
}
with open("training/testdata/pytorch.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
