"""Golden losses of a whole training run in PyTorch.

Run with `deno task goldens` (needs Debian's python3-torch). Writes training/testdata/pytorch.json. Weights are written in
Unfold's layout: [input, gates·hidden], both of PyTorch's biases added up.
"""

import json
import torch

BATCH, TIME, INPUT, HIDDEN = 3, 7, 4, 5


def entry(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().flatten().tolist()}


def training():
    """100 Adam steps of LSTM, last step, Linear, mean squared error on one batch a step."""
    lstm = torch.nn.LSTM(INPUT, HIDDEN, batch_first=True)
    dense = torch.nn.Linear(HIDDEN, 1)
    with torch.no_grad():
        lstm.bias_hh_l0.zero_()
    lstm.bias_hh_l0.requires_grad = False
    initial = {
        "0.inputWeight": entry(lstm.weight_ih_l0.t().contiguous()),
        "0.recurrentWeight": entry(lstm.weight_hh_l0.t().contiguous()),
        "0.bias": entry(lstm.bias_ih_l0),
        "2.weight": entry(dense.weight.t().contiguous()),
        "2.bias": entry(dense.bias),
    }
    x = torch.randn(4, BATCH, TIME, INPUT)
    y = torch.randn(4, BATCH, 1)
    parameters = [p for p in [*lstm.parameters(), *dense.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    losses = []
    for step in range(100):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(dense(lstm(x[step % 4])[0][:, -1]), y[step % 4])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return {"initial": initial, "x": entry(x), "y": entry(y), "learningRate": 0.01, "losses": losses}


torch.manual_seed(0)
golden = {"pytorch": torch.__version__, **training()}
with open("training/testdata/pytorch.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
