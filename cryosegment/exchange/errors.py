# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for users; their messages say what was expected, what was found, and what to do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator


class CryoSegmentError(Exception):
    """An error a user can act on.

    Parameters
    ----------
    message
        One line; what it quotes of a file may hold line breaks and control characters, which are
        written as in Python.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(map(_printable, message)))


def _printable(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")


class ParameterError(CryoSegmentError, ValueError):
    """A parameter is out of its range."""


class InputError(CryoSegmentError, ValueError):
    """A file, shape or pixel size cannot be used, or a file cannot be written."""


class ModelError(CryoSegmentError, RuntimeError):
    """A model file disagrees with the code or the data."""


class NetworkError(CryoSegmentError, RuntimeError):
    """A server that cannot be reached, is busy, or breaks off."""


@contextmanager
def in_one_line(subject: str) -> Iterator[None]:
    """Turn errors of memory, disks and deeply nested files into an InputError of one line.

    Errors of bugs are not turned: they keep their traceback.

    Parameters
    ----------
    subject
        Beginning of the message, such as "micrograph m1".

    Raises
    ------
    InputError
        In place of a MemoryError, a RecursionError, an EOFError, an OSError (but for a reader
        that has gone), or torch's RuntimeError where it cannot allocate.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RecursionError):
            raise InputError(f"{subject} is nested too deeply: give another file") from error
        if not isinstance(error, MemoryError) and "allocate" not in str(error):
            raise
        raise InputError(
            f"{subject} needs more memory than this machine has: give smaller images"
        ) from error
    except (EOFError, OSError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        name = getattr(error, "filename", None)
        of = f" {name}" if name else ""
        raise InputError(f"{subject} cannot be read or written ({reason}{of})") from error
