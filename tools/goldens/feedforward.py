"""Golden values for feed-forward layers and losses: PyTorch's outputs and gradients.

Run with `deno task goldens feedforward`, under PyTorch 2.13.0. Writes layers/testdata/pytorch_feedforward.json. Weights are
[input, output].
"""

import json
import torch
import torch.nn.functional as F

torch.manual_seed(1)


def entry(tensor):
    # Nine digits identify a 32-bit float.
    values = tensor.detach().flatten().tolist()
    if tensor.dtype == torch.int64:
        return {"dtype": "i32", "shape": list(tensor.shape), "data": values}
    return {"dtype": "f32", "shape": list(tensor.shape), "data": [float(f"{value:.9g}") for value in values]}


def case(name, f, *inputs):
    """Weights the outputs at random, so that every element has a different gradient."""
    inputs = [x if x.dtype == torch.int64 else x.clone().requires_grad_() for x in inputs]
    output = f(*inputs)
    weights = torch.randn_like(output)
    (output * weights).sum().backward()
    gradients = [None if x.dtype == torch.int64 else entry(x.grad) for x in inputs]
    return {
        "name": name,
        "inputs": [entry(x) for x in inputs],
        "output": entry(output),
        "weights": entry(weights),
        "gradients": gradients,
    }


x, y = torch.randn(3, 4), torch.randn(3, 4)
logits, classes = 3 * torch.randn(5, 7), torch.tensor([0, 6, 2, 3, 2])
tokens = torch.tensor([[1, 0, 3], [3, 2, 0]])
cases = [
    case("Dense", lambda x, w, b: x @ w + b, x, torch.randn(4, 2), torch.randn(2)),
    case("LayerNorm", lambda x, w, b: F.layer_norm(x, [4], w, b), x, torch.randn(4), torch.randn(4)),
    case("Embedding", F.embedding, tokens, torch.randn(4, 3)),
    case("Embedding, padding", lambda x, w: F.embedding(x, w, padding_idx=0), tokens, torch.randn(4, 3)),
    case("meanSquaredError", F.mse_loss, x, y),
    case("meanAbsoluteError", F.l1_loss, x, y),
    case("huber", lambda x, y: F.huber_loss(x, y, delta=0.7), x, y),
    case("softmaxCrossEntropy", F.cross_entropy, logits, classes),
    case("softmaxCrossEntropy, ignore", lambda x, y: F.cross_entropy(x, y, ignore_index=2), logits, classes),
    case("softmaxCrossEntropy, smooth", lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1), logits, classes),
    case("binaryCrossEntropy", F.binary_cross_entropy_with_logits, 5 * x, torch.rand(3, 4)),
    case(
        "gaussianNegativeLogLikelihood",
        lambda p, y: F.gaussian_nll_loss(p[:, :4], y, p[:, 4:].exp(), full=True),
        torch.randn(3, 8),
        y,
    ),
]
with open("layers/testdata/pytorch_feedforward.json", "w") as file:
    json.dump({"pytorch": torch.__version__, "cases": cases}, file)
    file.write("\n")
