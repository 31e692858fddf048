"""Times PyTorch for bench/optimizers.ts: nanoseconds per parameter of a step and of zeroing the gradients, as JSON lines.

    bench/peers/.venv/bin/python bench/optimizers.py <threads> <size>...
"""

import json
import statistics
import sys
import time
import torch

RULES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1e-3),
    "sgd, momentum": lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p),
    "adam, amsgrad": lambda p: torch.optim.Adam(p, amsgrad=True),
    "adamW": lambda p: torch.optim.AdamW(p),
    "rmsprop": lambda p: torch.optim.RMSprop(p),
    "rmsprop, centred, momentum": lambda p: torch.optim.RMSprop(p, centered=True, momentum=0.9),
    "adagrad": lambda p: torch.optim.Adagrad(p),
    "adadelta": lambda p: torch.optim.Adadelta(p),
    "nadam": lambda p: torch.optim.NAdam(p),
}

torch.set_num_threads(int(sys.argv[1]))
for size in map(int, sys.argv[2:]):
    for name, make in RULES.items():
        parameter = torch.nn.Parameter(torch.zeros(size))
        parameter.grad = torch.full((size,), 0.1)
        optimizer = make([parameter])

        def seconds(times):
            start = time.perf_counter()
            for _ in range(times):
                optimizer.step()
                optimizer.zero_grad(set_to_none=False)
            return (time.perf_counter() - start) / times

        seconds(2)
        times = max(1, int(0.02 / seconds(1)))
        value = statistics.median(seconds(times) for _ in range(7))
        print(json.dumps({"rule": name, "size": size, "nanoseconds": 1e9 * value / size}), flush=True)
