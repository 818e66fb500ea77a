# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that `import cryosegment` gives, and what it costs."""

import subprocess
import sys

import pytest

import cryosegment


def test_every_public_name_is_there() -> None:
    names = cryosegment.__all__
    assert set(names) == set(cryosegment._HOMES) - {"Plugin"}
    for name in names:
        assert getattr(cryosegment, name).__name__ == name
    assert set(names) <= set(dir(cryosegment))
    with pytest.raises(AttributeError, match="has no attribute 'picks'"):
        cryosegment.picks  # noqa: B018


def test_the_import_alone_is_cheap() -> None:
    """Neither torch nor numpy nor Scipion is imported before a name is asked for."""
    code = "import cryosegment, sys; print({'torch', 'numpy', 'pwem'} & {*sys.modules})"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "set()\n"
