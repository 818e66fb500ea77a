# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksums that servers send with a file, or that are in files beside it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

BLOCK = 1 << 20
LENGTHS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
# Preferred first.
ALGORITHMS = ("sha512", "sha256", "sha1", "md5")
SUM_FILE = re.compile(r"(?i)^(.*\.)?(md5|sha1|sha256|sha512)(sums?)?(\.txt)?$|^checksums?(\.txt)?$")
SUM_LINE = re.compile(r"^([0-9a-fA-F]{32,128})(?:\s+\*?(.+))?$")


@dataclass(frozen=True)
class Checksum:
    """Checksum of a file.

    Attributes
    ----------
    algorithm
        "md5", "sha1", "sha256" or "sha512".
    digest
        Hexadecimal, lower case.
    """

    algorithm: str
    digest: str


def hash_file(path: Path, algorithm: str) -> str:
    """Hexadecimal digest of a file."""
    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def checksum_of_headers(headers: Message, is_whole: bool) -> Checksum | None:
    """The best checksum of the whole file in the headers of an answer.

    Parameters
    ----------
    headers
        `Repr-Digest` (RFC 9530), `Digest` (RFC 3230) and `Content-MD5` (RFC 2616) are read.
    is_whole
        Whether the answer is the whole file: `Content-MD5` is the checksum of what is sent.
    """
    found: dict[str, str] = {"md5": headers.get("Content-MD5", "") if is_whole else ""}
    for name in ("Digest", "Repr-Digest"):
        for part in headers.get(name, "").split(","):
            algorithm, _, value = part.strip().partition("=")
            algorithm = algorithm.lower().replace("-", "")
            found["sha1" if algorithm == "sha" else algorithm] = value.strip().strip(":")
    for algorithm in ALGORITHMS:
        digest = _hexadecimal(found.get(algorithm, ""), algorithm)
        if digest:
            return Checksum(algorithm, digest)
    return None


def is_sum_file(name: str) -> bool:
    """Whether a file holds checksums, from its name: `a.mrc.md5`, `md5sum.txt`, `SHA256SUMS`."""
    return SUM_FILE.match(name) is not None


def read_sums(text: str, name: str) -> dict[str, Checksum]:
    """Checksums by relative path, from the text of a file written by `md5sum` or similar.

    Parameters
    ----------
    text
        Lines of digest and file name; other lines do not count.
    name
        Name of the file: that of a lone digest is its stem.
    """
    sums = {}
    for line in text.splitlines():
        match = SUM_LINE.match(line.strip())
        if match and len(match[1]) in LENGTHS:
            target = (match[2] or name.rsplit(".", 1)[0]).strip().removeprefix("./")
            sums[target] = Checksum(LENGTHS[len(match[1])], match[1].lower())
    return sums


def _hexadecimal(text: str, algorithm: str) -> str:
    """A digest in base 64 as hexadecimal; empty where it is none."""
    try:
        digest = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return digest.hex() if LENGTHS.get(2 * len(digest)) == algorithm else ""
