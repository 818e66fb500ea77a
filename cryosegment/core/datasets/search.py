# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of EMPIAR found by the resolution of their map and whether they have coordinates.

EMPIAR's API does not search. EMDB's does (`search/QUERY?rows=&page=&fl=&wt=csv`, a Lucene query
such as `resolution:[0 TO 3.5]`), and its field `xref_EMPIAR` names the entries of raw data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, urlencode

from cryosegment.core.datasets.empiar import Entry, read_entries
from cryosegment.core.datasets.server import Server, read_page
from cryosegment.exchange.csv_rows import by_column, parse_csv
from cryosegment.exchange.errors import InputError

FIELDS = ("emdb_id", "title", "resolution", "xref_EMPIAR")
# Maps asked for in one request.
ROWS = 1000
ANYTHING = "*"


@dataclass(frozen=True)
class Found:
    """An entry that fits.

    Attributes
    ----------
    entry
        The entry.
    resolution
        That of its best map among those that fit, Å.
    emdb
        The accession code of that map.
    """

    entry: Entry
    resolution: float
    emdb: str


@dataclass(frozen=True)
class _Map:
    emdb: str
    resolution: float
    numbers: tuple[str, ...]


def search_entries(
    server: Server, text: str, resolution: float | None, needs_coordinates: bool, limit: int
) -> list[Found]:
    """Entries with single-particle maps that fit, best resolution first.

    Parameters
    ----------
    server
        Where to ask.
    text
        Words of EMDB's search, such as "ribosome"; "*" for all.
    resolution
        Å: maps at this or better; None for any.
    needs_coordinates
        Only entries that name files of picked particles.
    limit
        Entries at most: the search ends there.

    Raises
    ------
    InputError, NetworkError
        If the server cannot be reached or answers otherwise.
    """
    fitting = (
        found
        for found in _find(server, _query(text, resolution))
        if found.entry.has_coordinates or not needs_coordinates
    )
    chosen = islice(fitting, limit)
    return sorted(chosen, key=lambda found: (found.resolution, found.entry.number))


def _find(server: Server, query: str) -> Iterator[Found]:
    """Entries with a map that fits, each with the best one of the page that names it first."""
    seen: set[str] = set()
    for maps in _pages(server, query):
        best: dict[str, _Map] = {}
        for one in sorted(maps, key=lambda m: m.resolution):
            for number in one.numbers:
                best.setdefault(number, one)
        fresh = [number for number in best if number not in seen]
        seen.update(fresh)
        for entry in read_entries(server, fresh):
            yield Found(entry, best[entry.number].resolution, best[entry.number].emdb)


def _query(text: str, resolution: float | None) -> str:
    terms = ['structure_determination_method:"singleParticle"', 'current_status:"REL"']
    if resolution is not None:
        terms.append(f"resolution:[0 TO {resolution:g}]")
    words = text.strip()
    return " AND ".join(([f"({words})"] if words not in ("", ANYTHING) else []) + terms)


def _pages(server: Server, query: str) -> Iterator[list[_Map]]:
    """Maps with raw data in EMPIAR, page by page."""
    page = 1
    while True:
        options = urlencode({"rows": ROWS, "page": page, "fl": ",".join(FIELDS), "wt": "csv"})
        url = f"{server.emdb}/search/{quote(query, safe='')}?{options}"
        rows = _rows(read_page(url, "text/csv"), url)
        yield [*map(_map, rows)]
        if len(rows) < ROWS:
            return
        page += 1


def _rows(text: str, url: str) -> list[dict[str, str]]:
    rows = parse_csv(text, url)
    if text.strip() and not set(FIELDS) <= set(rows[0]):
        raise InputError(
            f"expected the columns {', '.join(FIELDS)} from {url}, got {text[:40].strip()!r}: the "
            "server is another one or in maintenance"
        )
    return by_column([row for row in rows if row], url)


def _map(row: dict[str, str]) -> _Map:
    try:
        resolution = float(row["resolution"])
    except (TypeError, ValueError):
        resolution = float("inf")
    numbers = re.findall(r"\d{5,6}", row["xref_EMPIAR"] or "")
    return _Map(row["emdb_id"] or "", resolution, tuple(dict.fromkeys(numbers)))
