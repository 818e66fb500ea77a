# SPDX-License-Identifier: GPL-3.0-or-later
"""How far sets agree, as sections of a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cryosegment.core.report import Column, Fact, Facts, Page, Section, Table, Text
from cryosegment.core.report.table import Cell
from cryosegment.exchange.consensus import Counts


def agreement_section(labels: Sequence[str], counts: Counts) -> Section:
    """Which share of each set's picks every other set has, and how many sets have a particle.

    Parameters
    ----------
    labels
        Of the sets.
    counts
        Of all micrographs.
    """
    picks = np.maximum(counts.in_set, 1)[:, None]
    shares = (counts.together / picks).tolist()
    pairs: list[list[Cell]] = [
        [label, int(number), *row]
        for label, number, row in zip(labels, counts.in_set, shares, strict=True)
    ]
    others = [Column(label, ".2f", f"share of them that {label} has") for label in labels]
    votes = [[number, int(found)] for number, found in enumerate(counts.particles, start=1)]
    return Section(
        "Agreement",
        [
            Table([Column("picks of"), Column("number", ","), *others], pairs, "Shares in common"),
            Table([Column("sets", ","), Column("particles", ",")], votes, "Particles by votes"),
        ],
        "A row has the picks of one set, and which share of them each set has. What many sets have "
        "is more likely right; that they agree does not prove it.",
    )


def consensus_page(
    labels: Sequence[str],
    counts: Mapping[str, Counts],
    votes: int,
    failures: Mapping[str, str],
) -> Page:
    """Page of a consensus.

    Parameters
    ----------
    labels
        Of the sets.
    counts
        Of each micrograph, by name.
    votes
        Sets that must have a particle.
    failures
        Why micrographs failed, by name.
    """
    total = Counts.total(list(counts.values()))
    facts = [
        Fact("picks", f"{total.picks:,}", f"with at least {votes} of {len(labels)} votes"),
        Fact("micrographs", f"{len(counts):,}"),
        Fact("sets", str(len(labels))),
    ]
    agreed = [
        Column(label, ",", f"of the picks of {label}, those in the consensus") for label in labels
    ]
    rows: list[list[Cell]] = [
        [name, each.picks, *map(int, each.agreed)] for name, each in counts.items()
    ]
    own = [
        [label, int(picks), int(in_it), in_it / max(1, picks)]
        for label, picks, in_it in zip(labels, total.in_set, total.agreed, strict=True)
    ]
    columns = [
        Column("set"),
        Column("picks", ","),
        Column("agreed", ",", "those in the consensus"),
        Column("share", ".2f"),
    ]
    sections = [
        Section("Summary", [Facts(facts), Table(columns, own)]),
        agreement_section(labels, total),
        Section(
            "Micrographs", [Table([Column("micrograph"), Column("picks", ","), *agreed], rows)]
        ),
    ]
    return Page("Consensus", [*sections, *failures_section(failures)], ", ".join(labels))


def failures_section(failures: Mapping[str, str]) -> list[Section]:
    """Micrographs that are left out, and why; nothing where there are none."""
    if not failures:
        return []
    warning = Text("Files of these micrographs cannot be read, so they are left out.", True)
    rows = [[name, error] for name, error in failures.items()]
    table = Table([Column("micrograph"), Column("error")], rows)
    return [Section("Left out", [warning, table])]
