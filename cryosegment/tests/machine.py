# SPDX-License-Identifier: GPL-3.0-or-later
"""What some tests need of the machine, and the words with which they are skipped without it."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

from cryosegment.scripting import SYSTEM_RELION

NO_RELION = "no RELION: apt-get install relion"
NO_CRYOSPARC = "no plugin of CryoSPARC: pip install --no-deps scipion-em-cryosparc2"
NO_XMIPP = "no Xmipp: pip install pyxmipp3"
NO_BROWSER = "no Chromium: apt-get install chromium"
NO_DISPLAY = "no display server: apt-get install xvfb xdotool"
NO_DATA = "no test data: set CRYOSEGMENT_DATA"
NO_DENSECRF = "no pydensecrf2: a C++ compiler and the headers of Python build it"
NO_TRANSFORMERS = "no transformers: pip install scipion-em-cryosegment[sam]"
NO_GPU = "no GPU"


def has_relion() -> bool:
    """Whether RELION's programs are where Scipion looks for them."""
    home = os.environ.get("RELION_HOME", SYSTEM_RELION.parents[1])
    return (Path(home) / "bin" / "relion_refine").exists()


def has_cryosparc() -> bool:
    """Whether Scipion's plugin of CryoSPARC is beside ours."""
    return find_spec("cryosparc2") is not None


def has_densecrf() -> bool:
    """Whether the oracle of the CRF's tests could be built."""
    return find_spec("pydensecrf") is not None


def data_folder() -> Path:
    """Folder of real micrographs, maps and coordinate files: CRYOSEGMENT_DATA."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("CRYOSEGMENT_DATA", beside))
