# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the API reference, made from the docstrings: `python scripts/write_reference.py FOLDER`.

It needs the package pdoc; `make reference` installs it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pdoc
from pdoc.render import configure

import cryosegment

MODULES = ("cryosegment", "cryosegment.exchange", "cryosegment.core")
OUTSIDE = "!cryosegment[.](?!exchange|core)"
"""The shell and the command line have no interface for Python."""


def main(folder: Path) -> None:
    """Write an HTML page for each module."""
    for name in cryosegment.__all__:  # they are imported on demand, which pdoc does not know
        setattr(cryosegment, name, getattr(cryosegment, name))
    configure(docformat="numpy")
    pdoc.pdoc(*MODULES, OUTSIDE, output_directory=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
