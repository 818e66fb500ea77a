# SPDX-License-Identifier: GPL-3.0-or-later
"""Consensus of pickers on real micrographs beside each of them, and the time that it takes.

    python benchmarks/consensus.py --data DATA --work runs/consensus [--model MODEL]

The table is of real beta-galactosidase: picks of crYOLO, Topaz, DeepPicker and our own on the six
micrographs that all have, against the experts, and the particles that so many of them agree on.
REPIC's rule is made anew here from its paper: cliques of a box of every picker that overlap by more
than 0.3, of which those are taken, no box twice, whose medians of overlaps times medians of scores
are the most in sum; the place is that of the box that overlaps most. Last comes the time for
made-up picks on 1,000 micrographs, of the whole command.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import networkx
import numpy as np
from empiar10017 import LENGTHS, PEERS, picked_by_others
from micrograph_sets import REAL_DIAMETER, REAL_PIXEL_SIZE
from scipy.optimize import Bounds, LinearConstraint, milp
from scoring import HEADER, Scored, Sets, only, pick, print_row, run

from cryosegment.core.consensus.sets import Consensus
from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.exchange.consensus import ConsensusPicks
from cryosegment.exchange.coordinates import (
    Coordinates,
    box_side,
    read_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.params import ConsensusParams

MICROGRAPHS, EACH, SETS, SIDE = 1000, 500, 4, 4096
FOUND, JITTER = 0.8, 0.05
"""Of made-up picks: the share that is of particles, and their distance from these in diameters."""
LEAST_OVERLAP = 0.3
REPIC_RADIUS = 0.5 * REAL_DIAMETER
"""Distance, Å, at which boxes of 1.5 diameters overlap about as little."""


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", default="general")
    arguments = parser.parse_args()
    compare(arguments.data / "empiar10017", arguments.work, arguments.model)
    measure(arguments.work / "made_up")


def compare(folder: Path, work: Path, model: str) -> None:
    """Score each picker, and what so many of them agree on."""
    names = picked_by_others(folder)
    files = [folder / "micrographs" / f"{name}.jpg" for name in sorted(names)]
    own = pick(files, work / "picks", REAL_PIXEL_SIZE, [*LENGTHS, "--model", model])
    others = {
        peer: read_coordinates(folder / "other_pickers" / peer, REAL_PIXEL_SIZE) for peer in PEERS
    }
    reference = only(read_coordinates(folder / "coordinates", REAL_PIXEL_SIZE), names)
    print(HEADER)
    print_row("ours", own, reference, REAL_DIAMETER)
    for peer, found in others.items():
        print_row(peer, Scored(found, found), reference, REAL_DIAMETER)
    three = list(others.values())
    for label, sets in (("the three others", three), ("all four", [own.chosen, *three])):
        particles = agreed(sets)
        for votes in range(1, len(sets) + 1):
            found = with_votes(particles, votes)
            print_row(f"{votes} of {label}", Scored(found, found), reference, REAL_DIAMETER)
        theirs = repic(sets)
        print_row(f"{label}, REPIC", Scored(theirs, theirs), reference, REAL_DIAMETER)
        for radius in (None, REPIC_RADIUS):
            same = evaluate(with_votes(agreed(sets, radius), len(sets)), theirs, REAL_DIAMETER)
            print(f"as REPIC within {radius or 'the usual'} radius: {same.overall.f1:.3f} (F1)")


def agreed(sets: Sequence[Sets], radius: float | None = None) -> dict[str, ConsensusPicks]:
    """All particles of some sets."""
    params = ConsensusParams(REAL_DIAMETER, REAL_PIXEL_SIZE, radius=radius)
    consensus = Consensus(sets, params.pixel_size, params.diameter, params.reach)
    return {name: consensus.particles(name) for name in consensus.names}


def with_votes(particles: dict[str, ConsensusPicks], votes: int) -> Sets:
    """Those with at least so many votes."""
    return {
        name: found.select(found.votes >= votes).coordinates for name, found in particles.items()
    }


def repic(sets: Sequence[Sets]) -> Sets:
    """What REPIC's rule takes; scores are ranks in each set, as it wants them from 0 to 1."""
    names, ranked = sets[0], [ranks(each) for each in sets]
    return {name: _repic([each[name] for each in ranked]) for name in names}


def ranks(picks: Sets) -> Sets:
    """A set with the share of its picks that score no more in place of each score."""
    every = np.sort(np.concatenate([each.scores for each in picks.values()]))
    share = {
        name: np.searchsorted(every, each.scores, "right") / len(every)
        for name, each in picks.items()
    }
    return {
        name: Coordinates(each.centers_yx, each.pixel_size, name, share[name])
        for name, each in picks.items()
    }


def _repic(picks: Sequence[Coordinates]) -> Coordinates:
    box, graph = box_side(REAL_DIAMETER, REAL_PIXEL_SIZE), networkx.Graph()
    for (i, one), (j, two) in itertools.combinations(enumerate(picks), 2):
        apart = np.abs(one.centers_yx[:, None] - two.centers_yx[None])
        shared = np.prod(np.maximum(box - apart, 0), axis=2)
        overlap = shared / (2 * box**2 - shared)
        for a, b in np.argwhere(overlap > LEAST_OVERLAP).tolist():
            graph.add_edge((i, a), (j, b), overlap=overlap[a, b])
    cliques = [c for c in networkx.find_cliques(graph) if len(c) == len(picks)]
    boxes = {node: row for row, node in enumerate(sorted(set(itertools.chain(*cliques))))}
    taken, weights = np.zeros((len(boxes), len(cliques))), np.zeros(len(cliques))
    centers_yx, scores = np.zeros((len(cliques), 2)), np.zeros(len(cliques))
    for k, clique in enumerate(cliques):
        own = graph.subgraph(clique)
        taken[[boxes[node] for node in clique], k] = 1
        scores[k] = np.median([picks[i].scores[a] for i, a in clique])
        weights[k] = scores[k] * np.median([w for *_, w in own.edges(data="overlap")])
        i, a = max(clique, key=lambda node: own.degree(node, weight="overlap"))
        centers_yx[k] = picks[i].centers_yx[a]
    once = LinearConstraint(taken, -np.inf, 1)
    chosen = milp(-weights, integrality=1, bounds=Bounds(0, 1), constraints=once).x > 0.5
    first = picks[0]
    return Coordinates(centers_yx[chosen], first.pixel_size, first.name, scores[chosen])


def measure(work: Path) -> None:
    """Time the command on made-up picks."""
    paths = [work / f"set_{i}.star" for i in range(SETS)]
    random = np.random.default_rng(0)
    particles = random.uniform(0, SIDE, (MICROGRAPHS, EACH, 2))
    for path in paths:
        write_coordinates_star(path, made_up(particles, random))
    sizes = ["--diameter", str(REAL_DIAMETER), "--pixel-size", str(REAL_PIXEL_SIZE)]
    before, begun = cpu_seconds(), time.monotonic()
    run("consensus", *map(str, paths), *sizes, "--output", str(work / "agreed"))
    print(f"CPU s {cpu_seconds() - before:.1f}, s {time.monotonic() - begun:.1f}")


def made_up(particles: np.ndarray, random: np.random.Generator) -> list[tuple[str, Coordinates]]:
    """Picks near some of the particles of each micrograph, (micrographs, n, 2), others anywhere."""
    sigma, found = JITTER * REAL_DIAMETER / REAL_PIXEL_SIZE, []
    for i, own in enumerate(particles):
        near = own + random.normal(0, sigma, own.shape)
        anywhere = random.uniform(0, SIDE, own.shape)
        centers_yx = np.where(random.random((len(own), 1)) < FOUND, near, anywhere)
        name = f"micrograph_{i:04}"
        scores = random.random(len(own))
        found.append((f"{name}.mrc", Coordinates(centers_yx, REAL_PIXEL_SIZE, name, scores)))
    return found


def cpu_seconds() -> float:
    """CPU time of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
