"""The image network in PyTorch, as a baseline to time against.

The Keras network is described as plain data first (`describe`), from which
another process, which need not know Keras, builds the module (`build`).
"""

import json

import numpy as np

_KINDS = (
    *("Conv2D", "DepthwiseConv", "BatchNorm", "BatchNormalization", "ReLU"),
    *("MaxPooling2D", "UpSampling2D", "ZeroPadding2D", "Rescaling"),
)
_OPTIONS = (
    *("padding", "pool_size", "size", "strides", "epsilon", "momentum"),
    *("max_value", "scale", "offset"),
)


def describe(network):
    """A functional Keras network as data.

    Args:
        network: `keras.Model` of `hourglass.build_volume_network`.

    Returns:
        dict of arrays: `plan` (JSON: a list of `name`, `kind`, `inputs` and
        `options` in the order of execution; the last names the result), and
        the weights as `NAME/NUMBER`.
    """
    import keras

    makers = {id(layer.output): layer.name for layer in network.layers}
    plan, arrays = [], {}
    for layer in network.layers:
        kind = type(layer).__name__
        inputs = []
        if kind != "InputLayer":
            tensors = keras.tree.flatten(layer.input)
            inputs = [makers[id(tensor)] for tensor in tensors]
        options = {
            key: value
            for key, value in layer.get_config().items()
            if key in _OPTIONS
        }
        plan.append(
            {
                "name": layer.name,
                "kind": kind,
                "inputs": inputs,
                "options": options,
            }
        )
        for i, value in enumerate(layer.get_weights()):
            arrays[f"{layer.name}/{i}"] = value
    result = makers[id(network.outputs[-1])]
    plan.append(
        {"name": "", "kind": "Result", "inputs": [result], "options": {}}
    )
    return {"plan": np.array(json.dumps(plan)), **arrays}


def build(arrays):
    """The module that `describe` describes, ready for inference.

    Args:
        arrays: dict of arrays, or an open `.npz` of them.

    Returns:
        `torch.nn.Module` from float `(B, 3, H, W)` to `(B, C, H', W')`.
    """
    import torch

    class Twin(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.plan = json.loads(str(arrays["plan"]))
            self.steps = torch.nn.ModuleDict()
            for row in self.plan:
                step = _step(row, arrays)
                if step is not None:
                    self.steps[row["name"]] = step

        def forward(self, image):
            known = {}
            for row in self.plan:
                inputs = [known[name] for name in row["inputs"]]
                if row["kind"] == "Result":
                    return inputs[0]
                if row["kind"] == "InputLayer":
                    known[row["name"]] = image
                elif row["kind"] == "Add":
                    known[row["name"]] = inputs[0] + inputs[1]
                elif row["kind"] == "Concatenate":
                    known[row["name"]] = torch.cat(inputs, 1)
                else:
                    known[row["name"]] = self.steps[row["name"]](*inputs)

    return Twin().eval()


def _step(row, arrays):
    """The `torch.nn` layer of a row; None where there is none to build."""
    kind, options = row["kind"], row["options"]
    if kind in ("InputLayer", "Add", "Concatenate", "Result"):
        return None
    if kind not in _KINDS:
        raise ValueError(f"No PyTorch twin for a layer of the kind {kind}.")
    from torch import nn

    if kind in ("Conv2D", "DepthwiseConv"):
        return _convolution(row, arrays)
    if kind in ("BatchNorm", "BatchNormalization"):
        return _norm(row, arrays)
    if kind == "ReLU":
        return nn.ReLU6() if options["max_value"] == 6 else nn.ReLU()
    if kind == "Rescaling":
        return _rescaling(options["scale"], options["offset"])
    if kind == "MaxPooling2D":
        return nn.MaxPool2d(tuple(options["pool_size"]))
    if kind == "UpSampling2D":
        return nn.Upsample(scale_factor=tuple(options["size"]))
    (top, bottom), (left, right) = options["padding"]
    return nn.ZeroPad2d((left, right, top, bottom))


def _convolution(row, arrays):
    import torch

    kernel, bias = arrays[f"{row['name']}/0"], f"{row['name']}/1"
    if row["kind"] == "DepthwiseConv":
        kernel = kernel.transpose(0, 1, 3, 2)
    height, width, inputs, outputs = kernel.shape
    groups = outputs if row["kind"] == "DepthwiseConv" else 1
    stride = tuple(row["options"]["strides"])
    padding = row["options"]["padding"]
    spread = padding == "same" and max(stride) > 1
    layer = torch.nn.Conv2d(
        inputs * groups,
        outputs,
        (height, width),
        stride=stride,
        padding="valid" if spread else padding,
        groups=groups,
        bias=bias in arrays,
    )
    # Keras keeps (height, width, in, out), Torch (out, in, height, width).
    _fill(layer.weight, kernel.transpose(3, 2, 0, 1))
    if bias in arrays:
        _fill(layer.bias, arrays[bias])
    if not spread:
        return layer
    # Of sides that the stride divides, TensorFlow pads the end more.
    (top, bottom), (left, right) = (
        ((size - step) // 2, size - step - (size - step) // 2)
        for size, step in zip((height, width), stride, strict=True)
    )
    return torch.nn.Sequential(
        torch.nn.ZeroPad2d((left, right, top, bottom)), layer
    )


def _rescaling(scale, offset):
    import torch

    class Rescaling(torch.nn.Module):
        def forward(self, x):
            return x * scale + offset

    return Rescaling()


def _norm(row, arrays):
    import torch

    gamma, beta, mean, variance = (
        arrays[f"{row['name']}/{i}"] for i in range(4)
    )
    options = row["options"]
    layer = torch.nn.BatchNorm2d(
        len(gamma), eps=options["epsilon"], momentum=1 - options["momentum"]
    )
    _fill(layer.weight, gamma)
    _fill(layer.bias, beta)
    _fill(layer.running_mean, mean)
    _fill(layer.running_var, variance)
    return layer


def _fill(tensor, values):
    import torch

    with torch.no_grad():
        tensor.copy_(torch.from_numpy(np.ascontiguousarray(values)))
