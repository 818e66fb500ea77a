# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time in an output."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import remove_file

logger = logging.getLogger(__name__)

TAKEN = {errno.EACCES, errno.EAGAIN}
CANNOT_LOCK = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}


@contextmanager
def locked(job: Path, output: str) -> Iterator[None]:
    """Hold the lock of an output; the kernel lets go of it however the process ends.

    Record locks are used, because NFS knows them from machine to machine and because the worker
    processes of a run do not inherit them: those may outlive a run that is killed.

    Parameters
    ----------
    job
        Job file of the output, beside which the lock file lies.
    output
        What it guards, for messages.

    Raises
    ------
    InputError
        If another process holds it, or it cannot be written.
    """
    path = job.with_name(f".{job.name}.lock")
    stream = _taken(path, output)
    try:
        yield
    finally:
        remove_file(path)  # before the lock goes: see _taken
        stream.close()


def _taken(path: Path, output: str) -> IO[str]:
    """The open lock file, once it is ours and not one that its holder has just removed."""
    while True:
        try:
            stream = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise InputError(
                f"cannot write in {path.parent}: {error.strerror}; free or choose another place"
            ) from error
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                stream.seek(0)
                holder = stream.read().strip() or "unknown"
                stream.close()
                raise InputError(
                    f"another run writes to {output} (process {holder}): wait until it has ended, "
                    "or give another --output"
                ) from None
            if error.errno not in CANNOT_LOCK:
                stream.close()
                raise InputError(f"cannot lock {path}: {error.strerror}") from error
            logger.warning("%s cannot be locked: start no other run there", path.parent)
        if _is_at(path, stream):
            stream.truncate(0)
            stream.write(f"{os.getpid()} on {socket.gethostname()}\n")
            stream.flush()
            return stream
        stream.close()


def _is_at(path: Path, stream: IO[str]) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except FileNotFoundError:
        return False
