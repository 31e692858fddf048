"""One round of the model of bench/peers/char_rnn.ts in PyTorch: prints characters per second of whole training steps.

    bench/peers/.venv/bin/python bench/peers/char_rnn.py <threads> <seconds>
"""

import sys
import time
import torch

BATCH, TIME, HIDDEN, LAYERS, VOCABULARY = 50, 50, 128, 2, 65

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(VOCABULARY, 64)
        self.lstm = torch.nn.LSTM(64, HIDDEN, LAYERS, batch_first=True)
        self.output = torch.nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, x, state):
        y, state = self.lstm(self.embedding(x), state)
        return self.output(y), state


model = Model()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3, alpha=0.95)
tokens = torch.randint(0, VOCABULARY, (BATCH, TIME + 1))
state = tuple(torch.zeros(LAYERS, BATCH, HIDDEN) for _ in range(2))


def step():
    global state
    logits, state = model(tokens[:, :-1], state)
    state = tuple(part.detach() for part in state)
    loss = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), tokens[:, 1:].reshape(-1))
    optimizer.zero_grad(set_to_none=False)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5)
    optimizer.step()


for _ in range(3):
    step()
steps, start = 0, time.perf_counter()
while time.perf_counter() - start < float(sys.argv[2]):
    step()
    steps += 1
print(steps * BATCH * TIME / (time.perf_counter() - start))
