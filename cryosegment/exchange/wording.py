# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers with their nouns, for messages."""


def counted(number: int, noun: str) -> str:
    """A number and what it counts, such as "1 pick" or "2 picks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def every(number: int, noun: str) -> str:
    """All of a number, such as "the pick" or "all 2 picks"."""
    return f"the {noun}" if number == 1 else f"all {number} {noun}s"
