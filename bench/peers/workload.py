"""What the Python peers share: the workloads, their weights and inputs, and the answers to run.ts. See _workload.ts."""

import json
import math
import os
import resource
import statistics
import sys
import time

import numpy as np

INPUTS, TARGETS = 50_000_000, 60_000_000


def load(name):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "workloads.json")) as file:
        return next(one for one in json.load(file) if one["name"] == name)


def scramble(start, count):
    """An integer below 2²⁴ for each place, the same in every language."""
    return ((np.arange(start, start + count, dtype=np.int64) * 1103515245 + 12345) & 0xFFFFFFFF) >> 8


def numbers(start, *shape):
    """Values from −0.1 to 0.1 for consecutive places."""
    return (((scramble(start, math.prod(shape)) % 1000) / 1000 - 0.5) / 5).astype(np.float32).reshape(shape)


def tokens(start, bound, *shape):
    """Tokens for consecutive places."""
    return (scramble(start, math.prod(shape)) % bound).reshape(shape)


def taker():
    """Returns a function that takes the next weights: a shape → an array."""
    place = 0

    def take(*shape):
        nonlocal place
        place += math.prod(shape)
        return numbers(place - math.prod(shape), *shape)

    return take


def batch_of(w):
    """Inputs and targets of a workload."""
    batch, steps, output = w["batch"], w["time"], w["output"]
    if "vocabulary" in w:
        x = tokens(INPUTS, w["vocabulary"], batch, steps)
    else:
        x = numbers(INPUTS, batch, steps, w["input"])
    if w["loss"] == "mse":
        return x, numbers(TARGETS, batch, output)
    return x, tokens(TARGETS, output, *((batch, steps) if w["loss"] == "each" else (batch,)))


def serve(step, version):
    """Runs the first step and reports it, then runs steps for each number of seconds that arrives, and reports their median."""
    loss = step()
    print(json.dumps({"loss": loss, "firstStep": 1000 * time.time(), "version": version}), flush=True)
    for line in sys.stdin:
        times, start = [], time.perf_counter()
        while not times or time.perf_counter() - start < float(line):
            before = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - before))
        memory = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps({"milliseconds": statistics.median(times), "peakMemory": memory}), flush=True)
