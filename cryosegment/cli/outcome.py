# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has done, in the line that it ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryosegment.exchange.wording import counted


@dataclass(frozen=True)
class Outcome:
    """What a run has done.

    Parameters
    ----------
    made
        How many of what, such as "12 micrographs, 3480 picks"; empty where the answer was printed.
    device
        Torch device that it ran on; empty where it needs none.
    failed
        How many of its inputs failed, though not all.
    counts
        How many of each kind, by plural nouns, for the log of runs.
    """

    made: str = ""
    device: str = ""
    failed: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def closing_line(self, command: str, seconds: float, output: str) -> str:
        """The line that a run ends with: what was made, how long it took, where it is."""
        failed = f", {self.failed} failed" if self.failed else ""
        place = f" on {self.device.upper().replace('CUDA:', 'GPU ')}" if self.device else ""
        results = f"; results in {output}" if output else ""
        return f"{command}: {self.made}{failed}; {seconds:.1f} s{place}{results}"


def picked_in_words(number: int, picks: int, pixel_sizes: Sequence[float]) -> str:
    """What was picked, in words."""
    sizes = " to ".join(dict.fromkeys(f"{size:.4g}" for size in pixel_sizes))
    scale = f" (pixel size {sizes} Å/px)" if sizes else ""
    return f"{counted(number, 'micrograph')}{scale}, {counted(picks, 'pick')}"
