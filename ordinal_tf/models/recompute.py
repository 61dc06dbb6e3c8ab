"""Training a network with less memory: activations are computed twice.

Keras' own `RematScope` recomputes layers one by one, which keeps what lies
between them, the most of it, and lets batch norm see each batch twice.
"""

import contextlib
import re

import keras

from ordinal_tf.models import norm

# Names that `hourglass` and `encoder` give the layers of one block, whose own
# name is before.
_OF_BLOCK = re.compile(
    r"(.+?)_(?:skip|add|pad|conv[123]?|bn|relu"
    r"|(?:[123]|expand|depthwise|project)(?:_bn|_relu)?)"
)


def recomputed(network):
    """A function that trains as a network does, and keeps less meanwhile.

    Of each residual block (and each convolution with its batch norm) it keeps
    the input alone; the gradient computes what is inside once more. The
    network, its weights and their names stay as they are.

    Args:
        network: functional `keras.Model` of `hourglass`, on TensorFlow.

    Returns:
        function of what the network takes that returns what
        `network(x, training=True)` does.
    """
    blocks = {}
    for layer in network.layers:  # In the order of execution.
        if not isinstance(layer, keras.layers.InputLayer):
            found = _OF_BLOCK.fullmatch(layer.name)
            block = found[1] if found else layer.name
            # Blocks in the order of their last layers, which make what they
            # give; by then there is what they take.
            blocks[block] = [*blocks.pop(block, ()), layer]
    ends = {id(tensor) for tensor in network.outputs}
    parts = []
    for block in blocks.values():
        others = [one for one in network.layers if one not in block]
        seen = ends.union(*map(_inputs, others))
        made = [id(layer.output) for layer in block]
        given = dict.fromkeys(i for layer in block for i in _inputs(layer))
        parts.append(
            (
                block,
                [i for i in given if i not in made],
                [i for i in made if i in seen],
            )
        )

    def call(pixels):
        known = {id(network.inputs[0]): pixels}
        for block, given, made in parts:
            norms = [isinstance(one, norm.BatchNorm) for one in block]
            run = _run_twice if any(norms) else _run
            found = run(block, given, made, [known[i] for i in given])
            known.update(zip(made, found, strict=True))
        outputs = [known[id(tensor)] for tensor in network.outputs]
        return outputs[0] if len(outputs) == 1 else outputs

    return call


def _inputs(layer):
    """Identities of the tensors that a layer takes."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    return [id(tensor) for tensor in keras.tree.flatten(layer.input)]


def _run(block, given, made, values):
    """Values of the tensors `made` from those of the tensors `given`."""
    known = dict(zip(given, values, strict=True))
    for layer in block:
        inputs = [known[i] for i in _inputs(layer)]
        known[id(layer.output)] = layer(
            inputs[0] if len(inputs) == 1 else inputs, training=True
        )
    return [known[i] for i in made]


def _run_twice(block, given, made, values):
    """`_run`, and again in place of keeping what was in between."""
    again = False

    def run(*values):
        nonlocal again
        # The statistics have seen this batch when it comes back.
        with norm.still() if again else contextlib.nullcontext():
            again = True
            return _run(block, given, made, values)

    return keras.remat(run)(*values)
