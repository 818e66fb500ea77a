# SPDX-License-Identifier: GPL-3.0-or-later
"""Installation of scipion-em-cryosegment."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(
    r'^__version__ = "(.+)"$', (HERE / "cryosegment" / "__init__.py").read_text("utf-8"), re.M
).group(1)
README = HERE / "README.md"

CORE = [
    "torch>=2.4",
    "scipy>=1.10",
    "scikit-image>=0.19.3",
    "opencv-python-headless>=4.8",
    "tifffile>=2023.9.26",
    "imagecodecs>=2023.8.12",
    "safetensors>=0.4",
    "gemmi>=0.6.5",
    "jaxtyping>=0.2.30",
    "jinja2>=3.1",
    "monai>=1.3",
    "matplotlib>=3.8",
    "tqdm>=4.60",
]
SCIPION = ["scipion-app>=3.8", "scipion-em>=3.11.1", "scipion-pyworkflow>=3.11.7"]
PYDENSECRF = ["pydensecrf2>=1.1"]
SMP = ["segmentation-models-pytorch>=0.5"]
SAM = ["transformers>=4.57"]
TENSORBOARD = ["tensorboard>=2.10"]
DOCS = ["pdoc>=14"]
DEV = [
    "beartype>=0.18",
    "build>=1",
    "hypothesis>=6.100",
    "mypy>=1.10",
    "pytest>=8",
    "ruff>=0.6",
    "scipion-em-relion>=5.0.2",
    "starfile>=0.5.6",
    *SAM,
    *TENSORBOARD,
]

setup(
    name="scipion-em-cryosegment",
    version=VERSION,
    description="Scipion plugin that picks cryo-EM particles by segmenting micrographs",
    long_description=README.read_text("utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="GPL-3.0-or-later",
    python_requires=">=3.8",
    packages=find_packages(include=["cryosegment", "cryosegment.*"]),
    package_data={
        "cryosegment": [
            "py.typed",
            "logo.png",
            "protocols.conf",
            "requirements/*.txt",
            "models/*.safetensors",
            "templates/*",
            "core/report/templates/*",
        ]
    },
    install_requires=["numpy>=1.24", "mrcfile>=1.4"],
    extras_require={
        "core": CORE,
        "scipion": SCIPION,
        "pydensecrf": PYDENSECRF,
        "smp": SMP,
        "sam": SAM,
        "tensorboard": TENSORBOARD,
        "docs": DOCS,
        "dev": DEV,
    },
    entry_points={
        "pyworkflow.plugin": ["cryosegment = cryosegment"],
        "console_scripts": ["cryosegment = cryosegment.__main__:main"],
    },
)
