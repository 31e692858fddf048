"""A workload in JAX: xla.py WORKLOAD THREADS. The whole step is one compiled function whose weights and moments are donated."""

import functools
import os
import sys

threads = int(sys.argv[2])
# XLA has one thread for each core that the process may use.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
if threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import optax

import workload

w = workload.load(sys.argv[1])
cell, batch, hidden, output = w["cell"], w["batch"], w["hidden"], w["output"]
gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
take = workload.taker()
params = {}
if "vocabulary" in w:
    params["embedding"] = take(w["vocabulary"], w["input"])
params["layers"] = []
for index in range(w["layers"]):
    part = {"u": take(w["input"] if index == 0 else hidden, gates * hidden), "w": take(hidden, gates * hidden)}
    part["b"] = take(gates * hidden)
    if cell == "gru":
        part["c"] = take(hidden)
    params["layers"].append(part)
params |= {"v": take(hidden, output), "d": take(output)}
params = jax.tree.map(jnp.asarray, params)


def lstm(part, state, x):
    h, c = state
    i, f, g, o = jnp.split(x + h @ part["w"], 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    h = jax.nn.sigmoid(o) * jnp.tanh(c)
    return (h, c), h


def gru(part, state, x):
    (h,) = state
    xr, xz, xn = jnp.split(x, 3, axis=1)
    hr, hz, hn = jnp.split(h @ part["w"], 3, axis=1)
    z = jax.nn.sigmoid(xz + hz)
    n = jnp.tanh(xn + jax.nn.sigmoid(xr + hr) * (hn + part["c"]))
    h = n + z * (h - n)
    return (h,), h


def rnn(part, state, x):
    h = jnp.tanh(x + state[0] @ part["w"])
    return (h,), h


def loss_of(params, x, y):
    # Time comes first, as the scan needs it.
    x = jnp.swapaxes(x, 0, 1)
    if "embedding" in params:
        x = params["embedding"][x]
    for part in params["layers"]:
        projected = x @ part["u"] + part["b"]
        state = (jnp.zeros((batch, hidden)),) * (2 if cell == "lstm" else 1)
        step = functools.partial({"lstm": lstm, "gru": gru, "rnn": rnn}[cell], part)
        state, x = jax.lax.scan(step, state, projected)
    if w["loss"] == "each":
        logits = x @ params["v"] + params["d"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, y.T).mean()
    prediction = state[0] @ params["v"] + params["d"]
    if w["loss"] == "mse":
        return jnp.mean(jnp.square(prediction - y))
    return optax.softmax_cross_entropy_with_integer_labels(prediction, y).mean()


optimizer = optax.adam(1e-3)
slots = optimizer.init(params)
x, y = map(jnp.asarray, workload.batch_of(w))


@functools.partial(jax.jit, donate_argnums=(0, 1))
def update(params, slots, x, y):
    loss, gradients = jax.value_and_grad(loss_of)(params, x, y)
    updates, slots = optimizer.update(gradients, slots, params)
    return optax.apply_updates(params, updates), slots, loss


def step():
    global params, slots
    params, slots, loss = update(params, slots, x, y)
    return float(loss)


workload.serve(step, f"JAX {jax.__version__}")
