# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run has ended, as the last line of its log says."""

from __future__ import annotations

import json
from typing import Optional, Tuple

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import PathLike, read_text

STATUS, ERROR = "status", "error"
"""In a line of JSON on a run: its exit status, and what has ended it before its end."""


def last_run(path: PathLike) -> Optional[Tuple[int, str]]:
    """Exit status and error of the last run in a log; None where there is none.

    Raises
    ------
    InputError
        If the log cannot be read, or ends in something else, such as half a line.
    """
    lines = read_text(path).splitlines()
    if not lines:
        return None
    try:
        values = json.loads(lines[-1])
        return int(values[STATUS]), str(values[ERROR])
    except (ValueError, TypeError, KeyError):
        raise InputError(
            f"expected how the run has ended in the last line of {path}, found "
            f"{lines[-1][:40]!r}: run again"
        ) from None
