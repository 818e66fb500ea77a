# SPDX-License-Identifier: GPL-3.0-or-later
"""One case of `hostile_inputs.py`: a command line, and how it should end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DONE, NONE, USAGE, SOME = 0, 1, 2, 3
"""Exit statuses: all is done, nothing is, wrong usage, some inputs failed."""


@dataclass(frozen=True)
class Case:
    """A run.

    Parameters
    ----------
    command
        Its words.
    what
        What is wrong.
    arguments
        Its arguments; `OUT` stands for the output.
    status
        How it should end.
    before
        Puts something in the output first.
    """

    command: str
    what: str
    arguments: tuple[str, ...]
    status: int = NONE
    before: Callable[[Path], object] | None = None

    def words(self, output: Path) -> list[str]:
        """The words of the command line."""
        arguments = [word.replace("OUT", str(output)) for word in self.arguments]
        return [*self.command.split(), *arguments]
