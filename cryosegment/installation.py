# SPDX-License-Identifier: GPL-3.0-or-later
"""Install torch and packages with the tested pins: `python cryosegment/installation.py`.

It runs as a file, in the Python of the environment that is to be filled, before cryosegment is
there. The Makefile and Scipion's installer call it.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import List, Optional, Sequence

PINS = Path(__file__).resolve().parent / "requirements" / "constraints.txt"
TORCH_INDEX = "https://download.pytorch.org/whl"
IMPATIENT = ["--retries", "1", "--timeout", "15"]
"""An index that does not answer is given up in seconds."""
FALLBACK = (
    f"cryosegment: no torch for CPUs from {TORCH_INDEX}: taking it from the package index, "
    "where it comes with CUDA, some GB more to download"
)
PIP_INSTALL = [sys.executable, "-m", "pip", "install", "--use-pep517"]
"""`--use-pep517`, since the pip of Debian 12 warns of every package that has only a setup.py."""


def main(args: Optional[Sequence[str]] = None) -> int:
    """Exit status: 0, or that of pip, which has said why."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        allow_abbrev=False,
        epilog="All other words are pip's: the packages to install.",
    )
    parser.add_argument(
        "--torch",
        metavar="BUILD",
        help="install torch first: cpu, cuda, a CUDA version such as cu126, a requirement with "
        "pip's options, or '': cuda where an NVIDIA driver is, else cpu",
    )
    own, packages = parser.parse_known_args(args)
    if own.torch is not None:
        tries = torch_words(own.torch.strip(), pinned_torch(), has_nvidia_driver())
        status = _install_torch(tries)
        if status:
            return status
    return _install_packages(packages)


def has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver is seen on this machine."""
    return os.path.exists("/proc/driver/nvidia/version") or bool(shutil.which("nvidia-smi"))


def pinned_torch() -> str:
    """Requirement of the tested torch."""
    return next(line for line in _pins() if line.startswith("torch=="))


def torch_words(choice: str, pin: str, has_driver: bool) -> List[List[str]]:
    """What `pip install` gets for torch: the first, and what to take where that fails.

    Parameters
    ----------
    choice
        As the user says it; empty: by what the machine has.
    pin
        Requirement of the tested torch, `torch==VERSION`.
    has_driver
        Whether the machine has an NVIDIA driver. Without one, torch comes from PyTorch's own
        index of builds for the CPU: the package index has it with CUDA alone.
    """
    if not choice and not has_driver:
        return [_from_torch_index(pin, "cpu"), [pin]]
    if choice in ("", "cuda"):
        return [[pin.replace("==", "===")]]  # not satisfied by the build for the CPU, 2.13.0+cpu
    if re.fullmatch(r"cpu|cu\d+", choice):
        return [_from_torch_index(pin, choice)]
    return [shlex.split(choice)]


def _install_torch(tries: Sequence[Sequence[str]]) -> int:
    """Exit status of pip: 0 after the first of the tries that succeeds."""
    for words in tries:
        status = subprocess.call([*PIP_INSTALL, *words])
        if status == 0:
            break
        if words is not tries[-1]:
            print(FALLBACK, file=sys.stderr, flush=True)
    return status


def _from_torch_index(pin: str, build: str) -> List[str]:
    """Torch alone: what it needs comes with the other packages, by their pins."""
    return [*IMPATIENT, "--no-deps", "--index-url", f"{TORCH_INDEX}/{build}", f"{pin}+{build}"]


def _pins() -> List[str]:
    return PINS.read_text(encoding="utf-8").splitlines()


def _install_packages(packages: Sequence[str]) -> int:
    """Exit status of pip; torch stays as it was chosen, whatever its pin."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        others = (line + "\n" for line in _pins() if not line.startswith("torch=="))
        constraints.write_text("".join(others), encoding="utf-8")
        return subprocess.call([*PIP_INSTALL, "--constraint", str(constraints), *packages])


if __name__ == "__main__":
    sys.exit(main())
