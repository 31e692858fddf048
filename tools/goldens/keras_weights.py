"""A Keras model for the tests of weight exchange: its `.weights.h5` file, an input, and the output of each layer.

Needs keras, h5py and a Keras backend, which Debian does not package (`pip install keras h5py jax`):

    KERAS_BACKEND=jax python3 tools/goldens/keras_weights.py

Writes keras.weights.h5 and keras.safetensors into layers/interchange/testdata.
"""

import keras
import numpy as np
from keras import layers

import safetensors_file

FOLDER = "layers/interchange/testdata"
HIDDEN, VOCABULARY, CLASSES = 4, 7, 2
SEQUENCES = {"return_sequences": True}

keras.utils.set_random_seed(0)
random = np.random.default_rng(0)
model = keras.Sequential([
    keras.Input((6,), dtype="int32"),
    layers.Embedding(VOCABULARY, 3),
    layers.Dropout(0.5),
    layers.SimpleRNN(HIDDEN, **SEQUENCES),
    layers.LSTM(HIDDEN, **SEQUENCES),
    layers.LSTM(HIDDEN, **SEQUENCES),
    layers.GRU(HIDDEN, **SEQUENCES),
    layers.GRU(HIDDEN, reset_after=False, **SEQUENCES),
    layers.Bidirectional(layers.LSTM(HIDDEN, **SEQUENCES)),
    layers.Bidirectional(layers.GRU(HIDDEN, **SEQUENCES)),
    layers.LayerNormalization(epsilon=1e-5),
    layers.LSTM(HIDDEN, use_bias=False, **SEQUENCES),
    layers.Dense(CLASSES),
])
model.set_weights([weight + 0.3 * random.normal(size=weight.shape) for weight in model.get_weights()])
model.save_weights(f"{FOLDER}/keras.weights.h5")

x = random.integers(0, VOCABULARY, (2, 6)).astype("i4")
tensors, value = {"x": x}, x
for index, layer in enumerate(model.layers):
    value = layer(value)
    tensors[str(index)] = np.asarray(value)
safetensors_file.write(f"{FOLDER}/keras.safetensors", tensors, {"keras": keras.__version__})
