"""One crop to joints as a LiteRT (TensorFlow Lite) file, for small devices.

A float32 file is converted first; the others are made from it by changing the
number formats of some of its operations. The formats stop where the joints
are read out of the volume: a softmax in 256 steps says nothing.
"""

import contextlib
import importlib.util
import io
import tempfile
import warnings
from unittest import mock

import keras
import tensorflow as tf

from ordinal_tf.export import saved_model
from ordinal_tf.litert import lite_file

VARIANTS = ("float32", "float16", "dynamic", "int8")


def check_installed():
    """Raises `ValueError` where LiteRT or its quantizer is not installed."""
    for module, package in (
        ("ai_edge_litert", "ai-edge-litert"),
        ("litert_quantizer", "litert-quantizer"),
    ):
        if importlib.util.find_spec(module) is None:
            raise ValueError(
                f"LiteRT files need the package {package}; install it with "
                "`pip install 'ordinal-tf[litert]'`."
            )


def convert(predict_crops, input_size):
    """The float32 file of a function of crops.

    Args:
        predict_crops: function of uint8 `(1, S, S, 3)` to a dict of tensors;
            see `signatures.chain`.
        input_size: int, S.

    Returns:
        bytes; one signature, input `image`, outputs as the dict.
    """
    shape = (1, input_size, input_size, 3)
    # Converted with variables inside, a file answers NaN without a word.
    with _plain_argmax():
        frozen = saved_model.freeze(
            predict_crops, tf.TensorSpec(shape, tf.uint8)
        )
    function = tf.function(
        lambda image: frozen(image),
        input_signature=[tf.TensorSpec(shape, tf.uint8, "image")],
        autograph=False,
    )
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures=function)
        # The converter prints what it did, whoever listens.
        with contextlib.redirect_stdout(io.StringIO()):
            return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


@contextlib.contextmanager
def _plain_argmax():
    """Traces `keras.ops.argmax` as TensorFlow's own.

    Keras tells 0.0 from -0.0 by the sign bit first, with an operation that
    LiteRT does not have; the two are the same best cell.
    """

    def argmax(x, axis=None):
        return tf.argmax(x, axis, output_type=tf.int32)

    with mock.patch.object(keras.ops, "argmax", argmax):
        yield


def quantize(data, variant, *, network, last, calibration=()):
    """Another variant of a float32 file.

    "float16" stores every weight in half, "dynamic" has convolutions with
    8-bit weights that round their input to 8 bits as they run, and "int8"
    has the whole image network in 8 bits, with ranges from the calibration
    crops; its last convolution is as in "dynamic", so that the volume keeps
    its resolution. The reconstruction network never has less than 16 bits.

    Args:
        data: bytes of `convert`.
        variant: str of `VARIANTS`.
        network: str, name of the image network: what its operations have in
            their names.
        last: str, name of its last layer.
        calibration: uint8 `(N, S, S, 3)` crops, for "int8".

    Returns:
        bytes.
    """
    if variant == "float32":
        return data
    from litert_quantizer import calibrator, qtyping, quantizer

    names = qtyping.TFLOperationName
    inside = f".*{network}.*"
    job = quantizer.Quantizer(bytearray(data))
    _store_half(job)
    if variant == "dynamic":
        job.add_dynamic_config(inside, names.CONV_2D, 8)
    elif variant == "int8":
        job.add_static_config(inside, names.ALL_SUPPORTED, 8, 8)
        job.add_dynamic_config(f".*{last}.*", names.CONV_2D, 8)
    ranges = None
    # Progress bars, and a warning of the memory that calibrating takes.
    with (
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        if job.need_calibration:
            crops = [{"image": crop[None]} for crop in calibration]
            ranges = job.calibrate(
                {lite_file.SIGNATURE: crops},
                num_threads=2,
                # Keeping every tensor, the default, takes six times as long.
                mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
            )
        result = job.quantize(
            ranges, enable_progress_bar=False, enable_progress_report=False
        )
    return bytes(result.quantized_model)


def _store_half(job):
    from litert_quantizer import algorithm_manager, qtyping

    job.update_quantization_recipe(
        ".*",
        qtyping.TFLOperationName.ALL_SUPPORTED,
        qtyping.OpQuantizationConfig(
            weight_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=16, dtype=qtyping.TensorDataType.FLOAT
            ),
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        ),
        algorithm_manager.AlgorithmName.FLOAT_CASTING,
    )
