# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads that resume where they broke off, and are checked before they get their name."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryosegment.core.datasets.checksums import Checksum, checksum_of_headers, hash_file
from cryosegment.core.datasets.server import ATTEMPTS, RANGE_NOT_SATISFIABLE, open_url
from cryosegment.exchange.errors import InputError, NetworkError
from cryosegment.exchange.files import make_folder

CHUNK = 1 << 18
PARTIAL, FULL = 206, 200
WEB_PAGES = (".html", ".htm")

Report = Callable[[int, int], None]
"""Called as `report(bytes so far, bytes in all)`; 0 in all where the server does not tell."""


def report_nothing(done: int, total: int) -> None:
    """Report nothing."""


@dataclass
class _Download:
    """A file on its way: what is known of it."""

    url: str
    path: Path
    total: int = 0
    checksum: Checksum | None = None

    @property
    def part(self) -> Path:
        """What has arrived."""
        return self.path.with_name(f".{self.path.name}.part")

    @property
    def tag(self) -> Path:
        """The version of the file that `part` is of, as the server calls it."""
        return self.path.with_name(f".{self.path.name}.tag")

    @property
    def done(self) -> int:
        """Bytes that have arrived."""
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        """Remove what has arrived."""
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)


def download(
    url: str, path: Path, checksum: Checksum | None = None, report: Report = report_nothing
) -> int:
    """Download a file, or the rest of it; its size in bytes.

    What arrives stands in a hidden file beside `path` until it is complete and its size and
    checksum are right. A later call goes on from there, if the server still has the same version.
    A file that is there with the size that the server tells is kept.

    Parameters
    ----------
    url
        Its address.
    path
        Where it goes; folders are made.
    checksum
        What it must hash to; the server may send another with it.
    report
        Called as the bytes arrive.

    Raises
    ------
    InputError
        If there is no such file, a web page comes in its place, its size or checksum are wrong,
        or it cannot be written.
    NetworkError
        If the server cannot be reached, or breaks off again and again.
    """
    if path.exists() and path.stat().st_size == remote_size(url):
        return path.stat().st_size
    make_folder(path.parent)
    state = _Download(url, path, checksum=checksum)
    failures, most = 0, state.done
    while not _fetch(state, report):
        failures = 0 if state.done > most else failures + 1
        most = max(most, state.done)
        if failures == ATTEMPTS:
            raise NetworkError(
                f"{urlsplit(url).netloc} broke off after {state.done} of "
                f"{state.total or 'unknown'} bytes of {url}: run again to go on from there"
            )
    _check(state)
    _finish(state)
    return path.stat().st_size


def remote_size(url: str) -> int:
    """Bytes of a file on a server; -1 where it does not tell."""
    with open_url(url, method="HEAD") as response:
        return int(response.headers.get("Content-Length") or -1)


def _fetch(state: _Download, report: Report) -> bool:
    """Fetch what is missing; whether all is there."""
    start = state.done
    headers = {}
    if start:
        headers["Range"] = f"bytes={start}-"
        if state.tag.exists():
            headers["If-Range"] = state.tag.read_text("utf-8")
    with open_url(state.url, headers) as response:
        if response.status == RANGE_NOT_SATISFIABLE:
            return _is_complete(state, response)
        _check_kind(state, response)
        is_rest = response.status == PARTIAL and _range_start(response) == start
        if not is_rest:
            start = 0
        _take_headers(state, response, start)
        is_end = _append(state, response, start, report)
    return is_end and state.total in (0, state.done)


def _take_headers(state: _Download, response: http.client.HTTPResponse, start: int) -> None:
    """Note size, version and checksum of what the server is about to send."""
    length = response.headers.get("Content-Length")
    state.total = start + int(length) if length else 0
    own = checksum_of_headers(response.headers, response.status == FULL)
    state.checksum = state.checksum or own
    version = response.headers.get("ETag") or ""
    if not version or version.startswith("W/"):
        version = response.headers.get("Last-Modified") or ""
    state.tag.unlink(missing_ok=True)
    if version:
        _write(state.tag, version.encode(), "wb")


def _append(
    state: _Download, response: http.client.HTTPResponse, start: int, report: Report
) -> bool:
    """Write what arrives after the first `start` bytes; whether the server says it is all."""
    _write(state.part, b"", "ab" if start else "wb")
    done = start
    while chunk := _read(response):
        if done == 0:
            _check_no_page(state, chunk)
        _write(state.part, chunk, "ab")
        done += len(chunk)
        report(done, state.total)
    return chunk is not None


def _read(response: http.client.HTTPResponse) -> bytes | None:
    """The next bytes; none at the end, None where the connection breaks off."""
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException):
        return None


def _write(path: Path, content: bytes, mode: str) -> None:
    try:
        with path.open(mode) as stream:
            stream.write(content)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write {path}: {reason}; free or choose another place") from error


def _range_start(response: http.client.HTTPResponse) -> int:
    """First byte of the part that a server sends; -1 where it does not tell."""
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
    return int(match[1]) if match else -1


def _is_complete(state: _Download, response: http.client.HTTPResponse) -> bool:
    """Whether there is no rest because all is there; else start anew."""
    match = re.match(r"bytes \*/(\d+)", response.headers.get("Content-Range") or "")
    if match and int(match[1]) == state.done:
        state.total = state.done
        return True
    state.forget()
    return False


def _check_kind(state: _Download, response: http.client.HTTPResponse) -> None:
    kind = response.headers.get_content_type()
    if kind == "text/html" and state.path.suffix.lower() not in WEB_PAGES:
        raise _page_error(state)


def _check_no_page(state: _Download, start: bytes) -> None:
    text = start[:64].lstrip().lower()
    is_page = text.startswith((b"<!doctype html", b"<html"))
    if is_page and state.path.suffix.lower() not in WEB_PAGES:
        state.forget()
        raise _page_error(state)


def _page_error(state: _Download) -> InputError:
    return InputError(
        f"expected data from {state.url}, got a web page: the server is in maintenance, or a "
        "proxy stands between"
    )


def _check(state: _Download) -> None:
    """Check a complete file against its checksum."""
    if state.checksum is None:
        return
    found = hash_file(state.part, state.checksum.algorithm)
    if found != state.checksum.digest:
        state.forget()
        raise InputError(
            f"expected {state.checksum.algorithm} {state.checksum.digest} of {state.url}, got "
            f"{found}: the file was damaged on its way or on the server; run again"
        )


def _finish(state: _Download) -> None:
    try:
        state.part.replace(state.path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"cannot write {state.path}: {reason}; choose another place") from error
    state.forget()
