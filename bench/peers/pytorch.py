"""A workload in PyTorch: pytorch.py WORKLOAD THREADS [flush]."""

import sys

import torch

import workload

w = workload.load(sys.argv[1])
torch.set_num_threads(int(sys.argv[2]))
torch.set_flush_denormal("flush" in sys.argv)

hidden, output = w["hidden"], w["output"]
cell = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[w["cell"]]
embedding = torch.nn.Embedding(w["vocabulary"], w["input"]) if "vocabulary" in w else None
recurrent = cell(w["input"], hidden, w["layers"], batch_first=True)
dense = torch.nn.Linear(hidden, output)
taken = workload.taker()


def take(*shape):
    return torch.from_numpy(taken(*shape))


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
x, y = map(torch.from_numpy, workload.batch_of(w))


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


workload.serve(step, f"PyTorch {torch.__version__}")
