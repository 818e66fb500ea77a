# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `fetch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params.fields import Params, param


@dataclass(frozen=True)
class FetchParams(Params):
    """Which public data sets, and which of their files."""

    pattern: str = param(
        "*",
        "only files whose path or name fits this pattern, such as '*.star' or "
        "'data/micrographs/*.mrc'",
        metavar="GLOB",
    )
    list: bool = param(False, "list the files and download none")
    search: str = param(
        "", "search the entries for words, such as ribosome; '*' finds all", metavar="TEXT"
    )
    resolution: Optional[float] = param(
        None,
        "with --search: only entries with a map of this resolution or better",
        "Å",
        minimum=0.5,
        maximum=100,
    )
    coordinates: bool = param(False, "with --search: only entries with particle coordinates")
    limit: int = param(
        50, "with --search: largest number of entries to show", minimum=1, maximum=10_000
    )
    server: str = param(
        "", "a mirror of all data; if left out, EMPIAR, EMDB and CryoPPP", metavar="URL"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.search and (self.resolution is not None or self.coordinates):
            raise ParameterError(
                "--resolution and --coordinates need a search: give --search, with '*' to search "
                "all entries"
            )
        if self.search and self.list:
            raise ParameterError("expected a list of files or a search, got both: leave one out")
        if not self.pattern:
            raise ParameterError("expected a pattern of files, got an empty one: '*' is for all")
