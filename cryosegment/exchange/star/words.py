# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of STAR files as values."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import List

from cryosegment.exchange.errors import InputError


def split_words(path: Path, number: int, line: str) -> List[str]:
    """Values in a line, without comments and quotation marks; lines are counted from 0."""
    if '"' not in line and "'" not in line:
        return _before_comment(line.split())
    # the quotes of STAR open and close only at the borders of words
    lexer = shlex.shlex(line, posix=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:
        text = f"a quotation without end in {line.strip()[:40]!r}"
        raise star_error(path, number, text) from None
    return [unquoted(word) for word in _before_comment(words)]


def _before_comment(words: List[str]) -> List[str]:
    comment = next((i for i, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:comment]


def star_error(path: Path, number: int, message: str) -> InputError:
    """The error that says what is wrong in a line."""
    return InputError(f"{path} is not a valid STAR file: line {number + 1}: {message}")


def unquoted(word: str) -> str:
    """A value without the quotation marks around it."""
    return word[1:-1] if len(word) >= 2 and word[0] == word[-1] and word[0] in "\"'" else word
