"""Packaging. `pip install .` installs one package, `ordinal_tf`.

The folders `tools`, `configs` and `saved_models` of the checkout are mapped
below it, so that nobody's environment gets a top-level package of those
common names.
"""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).resolve().parent
VERSION = re.search(
    r'^__version__ = "(.+)"$',
    (ROOT / "ordinal_tf" / "_version.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

MODELS = [
    str(path.relative_to(ROOT / "saved_models"))
    for path in sorted((ROOT / "saved_models").rglob("*"))
    if path.is_file()
]

setuptools.setup(
    name="ordinal-tf",
    version=VERSION,
    description="3D human pose from one photograph, with ordinal depth",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[
        *setuptools.find_packages(include=["ordinal_tf", "ordinal_tf.*"]),
        "ordinal_tf.tools",
        "ordinal_tf.tools.apart",
        "ordinal_tf.tools.dev",
        "ordinal_tf.configs",
        "ordinal_tf.saved_models",
    ],
    package_dir={
        "ordinal_tf": "ordinal_tf",
        "ordinal_tf.tools": "tools",
        "ordinal_tf.configs": "configs",
        "ordinal_tf.saved_models": "saved_models",
    },
    package_data={
        "ordinal_tf.evaluation": ["page/*"],
        "ordinal_tf.models": ["encoder_weights/*", "finder_weights/*"],
        "ordinal_tf.saved_models": MODELS,
        "ordinal_tf.synthetic.body": ["*.npz", "*_LICENSE.md"],
        "ordinal_tf.synthetic.pose": ["*.npz", "*_LICENSE.md"],
        "ordinal_tf.web": ["static/*"],
    },
    # What prediction and training need.
    install_requires=[
        "absl-py>=2.1",
        "keras>=3.12",
        "ml-collections>=1.0",
        "numpy>=2.0",
        "opencv-python-headless>=5.0",
        "pillow>=11.0",
        "scipy>=1.13",
        "tensorflow>=2.21",
        "threadpoolctl>=3.5",
    ],
    extras_require={
        "train": ["tensorboard>=2.20"],
        "datasets": ["cdflib>=1.3"],
        "coco": ["pycocotools>=2.0.8"],
        "heic": ["pillow-heif>=1.0"],
        "serve": [
            "grpcio>=1.75",
            "prometheus-client>=0.22",
            "starlette>=1.0",
            "tensorflow-serving-api>=2.21",
            "uvicorn>=0.40",
        ],
        "web": ["starlette>=1.0", "uvicorn>=0.40"],
        "litert": ["ai-edge-litert>=2.1", "litert-quantizer>=0.11"],
        "onnx": ["onnxruntime>=1.20"],
        "jax": ["jax>=0.5"],
        "test": [
            "bvhio>=1.5",
            "c3d>=0.6",
            "jax>=0.5",
            "onnx>=1.17",
            "onnxruntime>=1.20",
            "pillow-heif>=1.0",
            "pycocotools>=2.0.8",
            "pytest>=8",
            "pytest-timeout>=2.3",
            "pytest-xdist>=3.6",
        ],
        "dev": ["pre-commit>=4", "ruff>=0.15"],
    },
    entry_points={"console_scripts": ["ordinal-tf = ordinal_tf.cli:main"]},
    classifiers=[
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
