# SPDX-License-Identifier: GPL-3.0-or-later
"""Files as damage, other programs and ill will leave them, and what a reader may do with them."""

from __future__ import annotations

import copy
import io
import json
import os
import re
import resource
import struct
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Tuple

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cryosegment.exchange.errors import CryoSegmentError

MANY = int(os.environ.get("CRYOSEGMENT_EXAMPLES", "0"))
"""Examples of each kind of file in a long run; without it they are few, and always the same."""
EXAMPLES = settings(
    max_examples=MANY or 15,
    derandomize=not MANY,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
NUMBERS = ("nan", "inf", "-inf", "-1", "0", "-0.0", "1e308", "-1e308", "1e400", "1e-320", "2.5")
NUMBERS = (*NUMBERS, "9" * 25, "-999", "1_000", "0x10", "1,5", "\uff11", "1d3", "--1", "+", ".")
NAMES = (
    "../../x",
    "/dev/null/x",
    "a/../b",
    ".",
    "..",
    "",
    "a\tb",
    "\u2028",
    "\x0c",
    "\u00e9",
    "\u202e",
)
NAMES = (
    *NAMES,
    "x" * 300,
    "C:\\x\\y.mrc",
    "con",
    "~",
    "@",
    "3@",
    "0@a.mrcs",
    "-1@a.mrcs",
    "x.star",
)
SYNTAX = ('"', "'", '""', "''", '"a b"', "#", "_", "_x", "loop_", "data_", "data_x", "save_", ";")
SYNTAX = (*SYNTAX, "[]", "{}", "[[", "]", "}", "null", "true", "{", ",", ":", "<NA>", "None", "*")
LETTERS = "aZ09+-._/\\\"'#@,; \t\0\x0b\x1b\x85\xa0\u00e9\u2028\ufeff\ud800"
CELLS = (*NUMBERS, *NAMES, *SYNTAX)
"""What a word or cell becomes."""
ANY_CELL = st.one_of(st.sampled_from(CELLS), st.text(LETTERS, max_size=8))
SIZES = (0, 1, 2, 3, 4, 6, 7, 12, 101, 255, 256, 1024, 2**15, 2**16 - 1, 10**6, 2**24, 10**9)
SIZES = (*SIZES, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**60, 2**63 - 1, 2**63, 2**64 - 1)
"""What a number of a header becomes, as far as it has the bytes."""
WIDTHS = {1: "B", 2: "H", 4: "I", 8: "Q"}
ENCODINGS = (*("utf-8",) * 12, "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "utf-32")
LINE_ENDS = (*("\n",) * 6, "\r\n", "\r", "\n\n")
MOST = 4
"""Damages of one file, at most."""
WORDS = re.compile(r"(\s+|,)")
JSON_VALUES = st.one_of(
    st.sampled_from(CELLS),
    st.sampled_from((None, True, False, 0, -1, 1, 2.5, 10**400, -(10**30), [], {}, [[]], {"": 1})),
    st.floats(),
    st.lists(st.integers(-2, 2), max_size=4),
).map(copy.deepcopy)
TYPES = ("f4", "f8", "u1", "u8", "i8", "S5", "U5", "c8", "?", "M8[s]", "m8[s]", "V8", "f2", ">f4")


@st.composite
def damaged_bytes(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with some of its bytes changed, missing or doubled."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, MOST))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        kind = draw(st.sampled_from(("number", "number", "flip", "cut", "drop", "double", "new")))
        if kind == "number":
            width = draw(st.sampled_from(tuple(WIDTHS)))
            place -= place % width
            value = draw(st.sampled_from(SIZES)) % 2 ** (8 * width)
            order = draw(st.sampled_from("<>"))
            data[place : place + width] = struct.pack(order + WIDTHS[width], value)
        elif kind == "flip":
            data[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "cut":
            del data[place:]
        elif kind == "new":
            data[place:place] = draw(st.binary(max_size=40))
        else:
            part = data[place : place + draw(st.integers(1, 200))]
            data[place : place + len(part)] = part * 2 * (kind == "double")
    return bytes(data)


@st.composite
def damaged_text(draw: st.DrawFn, whole: str) -> bytes:
    """A text with some of its lines and words changed, and in any encoding."""
    lines = whole.split("\n")
    for _ in range(draw(st.integers(0, MOST))):
        place = draw(st.integers(0, len(lines) - 1))
        kind = draw(
            st.sampled_from(("word", "word", "word", "swap", "drop", "double", "cut", "move"))
        )
        if kind in ("word", "swap"):
            lines[place] = _other_words(draw, lines[place], kind)
        elif kind == "drop" and len(lines) > 1:
            del lines[place]
        elif kind == "double":
            lines[place:place] = lines[max(0, place - draw(st.integers(0, 20))) : place + 1]
        elif kind == "cut":
            lines = [*lines[:place], lines[place][: draw(st.integers(0, 20))]]
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(place))
    text = draw(st.sampled_from(LINE_ENDS)).join(lines)
    encoding = draw(st.sampled_from(ENCODINGS))
    data = text.encode(encoding, "replace")
    return draw(damaged_bytes(data)) if draw(st.integers(0, 9)) == 9 else data


def _other_words(draw: st.DrawFn, line: str, kind: str) -> str:
    words = WORDS.split(line)
    place, other = (2 * draw(st.integers(0, len(words) // 2)) for _ in range(2))
    if kind == "swap":
        words[place], words[other] = words[other], words[place]
    else:
        words[place] = draw(ANY_CELL)
    return "".join(words)


@st.composite
def damaged_json(draw: st.DrawFn, whole: Any) -> bytes:
    """A JSON file with some of its values of another kind, missing or doubled."""
    value = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, MOST))):
        holder, key = _place_in(draw, value)
        kind = draw(st.sampled_from(("other", "other", "other", "drop", "new")))
        if kind == "other" and holder is not None:
            holder[key] = draw(JSON_VALUES)
        elif kind == "drop" and holder is not None:
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(key, draw(JSON_VALUES))
        elif holder is not None:
            holder[draw(ANY_CELL)] = draw(JSON_VALUES)
        else:
            value = draw(JSON_VALUES)
    return json.dumps(value).encode("utf-8")


def _place_in(draw: st.DrawFn, value: Any) -> Tuple[Any, Any]:
    """A list or mapping somewhere in a value, and one of its keys; none of a value without any."""
    holder, key = None, None
    while isinstance(value, (list, dict)) and value:
        holder = value
        key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        value = holder[key]
        if draw(st.integers(0, 3)) == 0:
            break
    return holder, key


@st.composite
def damaged_table(draw: st.DrawFn, whole: np.ndarray) -> bytes:
    """A table of numpy with some of its fields of another type or shape, or with other values."""
    fields = {name: whole[name] for name in whole.dtype.names}
    for _ in range(draw(st.integers(1, MOST))):
        name = draw(st.sampled_from(tuple(fields)))
        kind = draw(st.sampled_from(("type", "shape", "values", "drop", "count")))
        if kind == "type":
            fields[name] = np.zeros(fields[name].shape, draw(st.sampled_from(TYPES)))
        elif kind == "shape":
            part = draw(st.sampled_from(((), (0,), (1,), (2,), (3,), (4,), (2, 2), (1, 2))))
            fields[name] = np.resize(fields[name], (len(fields[name]), *part))
        elif kind == "values":
            value = draw(st.sampled_from((np.nan, np.inf, -1, 0, 1e308, 2**63, -(2.0**70), 1e9)))
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                fields[name] = _filled(fields[name], value)
        elif kind == "drop" and len(fields) > 1:
            del fields[name]
        elif kind == "count":
            count = draw(st.integers(0, 2 * len(whole)))
            fields = {n: np.resize(v, (count, *v.shape[1:])) for n, v in fields.items()}
    dtype = [(name, values.dtype, values.shape[1:]) for name, values in fields.items()]
    table = np.zeros(len(next(iter(fields.values()))), dtype)
    for name, values in fields.items():
        table[name] = values
    stream = io.BytesIO()
    np.save(stream, table)
    return stream.getvalue()


def _filled(values: np.ndarray, value: float) -> np.ndarray:
    changed = values.copy()
    if values.dtype.kind in "SU":
        changed[:1] = str(value)[:4]
    elif values.dtype.kind in "fiu":
        changed[:1] = np.float64(value).astype(values.dtype)
    return changed


def raw_bytes(start: bytes = b"") -> st.SearchStrategy[bytes]:
    """Bytes that no program wrote, after the beginning of a file."""
    return st.builds(bytes.__add__, st.just(start), st.binary(max_size=2000))


def content_of(whole: Any) -> bytes:
    """A file from its text, the values of its JSON, its table of numpy or its bytes."""
    if isinstance(whole, bytes):
        return whole
    if isinstance(whole, np.ndarray):
        stream = io.BytesIO()
        np.save(stream, whole)
        return stream.getvalue()
    return (whole if isinstance(whole, str) else json.dumps(whole, indent=1)).encode()


def damaged(whole: Any) -> st.SearchStrategy[bytes]:
    """A file damaged in the ways of its kind, or of bytes that no program wrote."""
    content = content_of(whole)
    if isinstance(whole, str):
        return st.one_of(damaged_text(whole), damaged_text(whole), raw_bytes())
    if isinstance(whole, bytes):
        return st.one_of(damaged_bytes(whole), damaged_bytes(whole), raw_bytes(whole[:50]))
    if isinstance(whole, np.ndarray):
        return st.one_of(damaged_table(whole), damaged_bytes(content), raw_bytes(content[:100]))
    return st.one_of(damaged_json(whole), damaged_text(content.decode()))


def refusal(read: Callable[[Path], object], path: Path) -> str:
    """What a reader says of a file that it refuses, one line; nothing if it reads it."""
    try:
        read(path)
    except CryoSegmentError as error:
        message = str(error)
        assert len(message.splitlines()) == 1, f"not one line: {message!r}"
        return message
    return ""


def check_reader(
    read: Callable[[Path], object], path: Path, contents: st.SearchStrategy[bytes]
) -> None:
    """Check that a reader reads, or refuses in one line, a file with any of these contents."""

    def check(content: bytes) -> None:
        path.write_bytes(content)
        refusal(read, path)

    EXAMPLES(given(contents)(check))()


@contextmanager
def little_memory(more: int = 1 << 30) -> Iterator[None]:
    """Let this process map only some more bytes than it has."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
