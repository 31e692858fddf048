"""Golden values for the layers: PyTorch's outputs and gradients for given weights and inputs.

Run with `deno task goldens` (needs Debian's python3-torch). Writes layers/testdata/pytorch.json. Weights are written in
Unfold's layout: [input, gates·hidden], both of PyTorch's biases added up.
"""

import json
import torch

BATCH, TIME, INPUT, HIDDEN = 3, 7, 4, 5


def entry(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().flatten().tolist()}


def lstm():
    layer = torch.nn.LSTM(INPUT, HIDDEN, batch_first=True)
    with torch.no_grad():
        layer.bias_hh_l0.zero_()
    x = torch.randn(BATCH, TIME, INPUT, requires_grad=True)
    h = torch.randn(1, BATCH, HIDDEN, requires_grad=True)
    c = torch.randn(1, BATCH, HIDDEN, requires_grad=True)
    output, (last_h, last_c) = layer(x, (h, c))
    # A weighted sum of everything that comes out, so that every path carries a gradient.
    weights = [torch.randn_like(value) for value in (output, last_h, last_c)]
    sum((value * weight).sum() for value, weight in zip((output, last_h, last_c), weights)).backward()
    return {
        "inputs": {
            "x": entry(x),
            "h": entry(h[0]),
            "c": entry(c[0]),
            "inputWeight": entry(layer.weight_ih_l0.t().contiguous()),
            "recurrentWeight": entry(layer.weight_hh_l0.t().contiguous()),
            "bias": entry(layer.bias_ih_l0),
        },
        "outputs": [entry(output), entry(last_h[0]), entry(last_c[0])],
        "weights": [entry(weights[0]), entry(weights[1][0]), entry(weights[2][0])],
        "gradients": {
            "x": entry(x.grad),
            "h": entry(h.grad[0]),
            "c": entry(c.grad[0]),
            "inputWeight": entry(layer.weight_ih_l0.grad.t().contiguous()),
            "recurrentWeight": entry(layer.weight_hh_l0.grad.t().contiguous()),
            "bias": entry(layer.bias_ih_l0.grad),
        },
    }


torch.manual_seed(0)
golden = {"pytorch": torch.__version__, "lstm": lstm()}
with open("layers/testdata/pytorch.json", "w") as file:
    json.dump(golden, file)
    file.write("\n")
