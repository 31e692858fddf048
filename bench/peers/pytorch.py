"""A workload in PyTorch: pytorch.py WORKLOAD SECONDS THREADS [flush]."""

import json
import os
import resource
import statistics
import sys
import time
import torch

name, seconds, threads = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "workloads.json")) as file:
    w = next(one for one in json.load(file) if one["name"] == name)
torch.set_num_threads(threads)
torch.set_flush_denormal("flush" in sys.argv)
INPUTS, TARGETS = 50_000_000, 60_000_000


def scramble(start, count):
    place = torch.arange(start, start + count, dtype=torch.int64)
    return ((place * 1103515245 + 12345) & 0xFFFFFFFF) >> 8


def numbers(start, *shape):
    count = torch.Size(shape).numel()
    return (((scramble(start, count) % 1000).double() / 1000 - 0.5) / 5).float().reshape(shape)


def tokens(start, bound, *shape):
    return (scramble(start, torch.Size(shape).numel()) % bound).reshape(shape)


batch, steps, hidden, output = w["batch"], w["time"], w["hidden"], w["output"]
cell = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[w["cell"]]
embedding = torch.nn.Embedding(w["vocabulary"], w["input"]) if "vocabulary" in w else None
recurrent = cell(w["input"], hidden, w["layers"], batch_first=True)
dense = torch.nn.Linear(hidden, output)

place = 0


def take(*shape):
    global place
    taken = numbers(place, *shape)
    place += taken.numel()
    return taken


with torch.no_grad():
    if embedding is not None:
        embedding.weight.copy_(take(*embedding.weight.shape))
    for layer in range(w["layers"]):
        part = {kind: getattr(recurrent, f"{kind}_l{layer}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
        part["weight_ih"].copy_(take(*reversed(part["weight_ih"].shape)).t())
        part["weight_hh"].copy_(take(*reversed(part["weight_hh"].shape)).t())
        part["bias_ih"].copy_(take(*part["bias_ih"].shape))
        part["bias_hh"].zero_()
        if w["cell"] == "gru":
            # Only the candidate's second bias is inside the reset gate's product.
            part["bias_hh"][2 * hidden :] = take(hidden)
    dense.weight.copy_(take(hidden, output).t())
    dense.bias.copy_(take(output))

modules = [module for module in (embedding, recurrent, dense) if module is not None]
optimizer = torch.optim.Adam([p for module in modules for p in module.parameters()], lr=1e-3)
if embedding is None:
    x = numbers(INPUTS, batch, steps, w["input"])
else:
    x = tokens(INPUTS, w["vocabulary"], batch, steps)
if w["loss"] == "mse":
    y = numbers(TARGETS, batch, output)
else:
    y = tokens(TARGETS, output, *((batch, steps) if w["loss"] == "each" else (batch,)))


def step():
    h, _ = recurrent(x if embedding is None else embedding(x))
    prediction = dense(h if w["loss"] == "each" else h[:, -1])
    if w["loss"] == "mse":
        loss = torch.nn.functional.mse_loss(prediction, y)
    else:
        loss = torch.nn.functional.cross_entropy(prediction.reshape(-1, output), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


first = step()
first_step = 1000 * time.time()
times, start = [], time.perf_counter()
while len(times) < 3 or time.perf_counter() - start < seconds:
    before = time.perf_counter()
    step()
    times.append(1000 * (time.perf_counter() - before))
    if times[-1] > 5000:
        break
peak_memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = {"loss": first, "milliseconds": statistics.median(times), "firstStep": first_step, "peakMemory": peak_memory}
print(json.dumps(report | {"version": torch.__version__}))
