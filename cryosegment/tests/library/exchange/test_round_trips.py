# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written is read back, also by the readers of others, whatever the numbers and names."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryosegment.exchange.coordinates import (
    JOINT,
    WRITTEN,
    Coordinates,
    Picked,
    read_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.csv_rows import csv_text, read_rows, write_rows
from cryosegment.exchange.ctf import CtfEstimate, read_ctfs, write_ctfs
from cryosegment.exchange.files import micrograph_name
from cryosegment.exchange.job import Job, read_job
from cryosegment.exchange.particles import Particles, read_particles, write_particles
from cryosegment.exchange.relion import UNSET
from cryosegment.exchange.star import read_star, write_star
from cryosegment.tests.damage import EXAMPLES

PLACES = st.floats(-1e5, 1e5)
NUMBERS = PLACES.filter(lambda value: value not in UNSET)
"""Those that mean something to RELION."""
SCORES = st.one_of(NUMBERS, st.just(float("nan")))
SIZES = st.one_of(st.floats(1, 1e5), st.just(float("nan")))
PARTICLES = st.lists(st.tuples(PLACES, PLACES, SCORES, SIZES), max_size=6)
LETTERS = st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\@'\"")
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: name.strip(".") != "")
WORDS = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=8)


def picks(rows: List[Tuple[float, float, float, float]], name: str) -> Coordinates:
    y, x, scores, diameters = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    return Coordinates(np.stack([y, x], axis=1), 1.3, name, scores, diameters)


def assert_same(found: Coordinates, expected: Coordinates, atol: float, keeps: Tuple[str, ...]):
    np.testing.assert_allclose(found.centers_yx, expected.centers_yx, rtol=0, atol=atol)
    if "scores" in keeps:
        np.testing.assert_allclose(found.scores, expected.scores, rtol=0, atol=1e-6)
    if "diameters" in keeps:
        np.testing.assert_allclose(found.diameters, expected.diameters, rtol=1e-6, atol=2e-3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("round")


@pytest.mark.parametrize("kind", WRITTEN)
def test_picks_in_every_format(folder: Path, kind: str) -> None:
    written = WRITTEN[kind]

    @EXAMPLES
    @given(PARTICLES)
    def check(rows: List[Tuple[float, float, float, float]]) -> None:
        path, made = folder / f"mic.1{written.suffix}", picks(rows, "mic.1")
        written.write(path, made, 51.0)
        (found,) = read_coordinates(path, 1.3).values()
        known = np.isfinite(made.scores)
        if kind == "xmipp":  # it has no unknown scores
            np.testing.assert_allclose(found.scores[known], made.scores[known], atol=1e-6)
        keeps = () if kind == "xmipp" else written.keeps
        assert_same(found, made, 0.501 if written.is_whole else 2e-3, keeps)
        assert found.name == "mic.1"

    check()


@EXAMPLES
@given(st.dictionaries(NAMES, PARTICLES, min_size=1, max_size=3))
def test_picks_of_many_micrographs(
    folder: Path, sets: Dict[str, List[Tuple[float, float, float, float]]]
) -> None:
    made = [picks(rows, name) for name, rows in sets.items()]
    path = folder / "joint.star"
    write_coordinates_star(path, [(f"a/{each.name}.mrc", each) for each in made])
    found = read_coordinates(path, 1.3)
    for each in made:
        if len(each):
            assert_same(found.pop(micrograph_name(f"{each.name}.mrc")), each, 1e-6, ("scores",))
    assert sum(map(len, found.values())) == 0


@EXAMPLES
@given(PARTICLES.filter(len), NAMES)
def test_picks_as_numpy_reads_those_of_cryosparc(
    folder: Path, rows: List[Tuple[float, float, float, float]], name: str
) -> None:
    made, shape = picks(rows, name), (4000, 6000)
    path = folder / "picks.cs"
    JOINT["cs"].write(path, [Picked(made, f"{name}.mrc", shape, "unused")])
    table = np.load(path)
    centers = np.stack([table[f"location/center_{axis}_frac"] for axis in "yx"], 1) * shape
    np.testing.assert_allclose(centers, made.centers_yx, rtol=1e-6, atol=1e-2)
    (found,) = read_coordinates(path, 1.3).values()
    np.testing.assert_allclose(found.centers_yx, centers)
    assert found.name == micrograph_name(f"{name}.mrc")
    assert len(set(table["uid"])) == len(made)


@EXAMPLES
@given(st.lists(st.tuples(WORDS, st.integers(-(2**60), 2**60), st.floats(-1e9, 1e9)), max_size=5))
def test_tables_of_star(folder: Path, rows: List[Tuple[str, int, float]]) -> None:
    """Words with blanks, quotes, signs of STAR, or nothing in them, and numbers."""
    words, whole, numbers = (list(column) for column in zip(*rows)) if rows else ([], [], [])
    words = [word.replace('"', "") for word in words]  # both quotes in one word STAR cannot hold
    write_star(folder / "t.star", {"x": {"w": words, "i": whole, "f": numbers}})
    block = read_star(folder / "t.star")["x"]
    assert block["w"] == words
    assert list(map(int, block["i"])) == whole
    np.testing.assert_allclose(block.read(("f",))[0]["f"], numbers, atol=1e-6)


@EXAMPLES
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=2)))
def test_tables_of_csv(folder: Path, rows: List[List[str]]) -> None:
    path = folder / "t.csv"
    path.write_text(csv_text(rows), encoding="utf-8")
    assert read_rows(path) == rows
    write_rows(path, ("a",), rows)
    with path.open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["a"], *rows]


@EXAMPLES
@given(st.dictionaries(NAMES, st.tuples(*[NUMBERS] * 7), min_size=1, max_size=3))
def test_ctfs(folder: Path, values: Dict[str, Tuple[float, ...]]) -> None:
    made = {micrograph_name(name): CtfEstimate(*row) for name, row in values.items()}
    write_ctfs(folder / "ctf.star", made)
    found = read_ctfs(folder / "ctf.star")
    for name, estimate in made.items():
        np.testing.assert_allclose(
            list(vars(found[micrograph_name(name)]).values()),
            list(vars(estimate).values()),
            atol=1e-6,
        )


@EXAMPLES
@given(
    st.lists(st.tuples(NAMES, st.lists(NUMBERS, min_size=7, max_size=7)), min_size=1, max_size=4)
)
def test_refined_particles(folder: Path, rows: List[Tuple[str, List[float]]]) -> None:
    count, values = len(rows), np.array([row for _, row in rows])
    made = Particles(
        micrographs=tuple(micrograph_name(name) for name, _ in rows),
        centers_yx=values[:, :2],
        angles=values[:, 2:5],
        shifts_yx=values[:, 5:],
        pixel_sizes=np.where(np.arange(count) % 2, 1.5, 2.5),
        scores=np.linspace(0, 1, count),
        rows=np.arange(1, count + 1),
        shapes=np.zeros((count, 2)),
    )
    write_particles(folder / "p.star", made)
    found = read_particles(folder / "p.star")
    assert found.micrographs == tuple(map(micrograph_name, made.micrographs))
    for name in ("centers_yx", "angles", "shifts_yx", "pixel_sizes", "scores"):
        np.testing.assert_allclose(getattr(found, name), getattr(made, name), atol=1e-6)


@EXAMPLES
@given(
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.booleans(), WORDS)),
    st.lists(WORDS, max_size=3),
)
def test_jobs(folder: Path, params: Dict[str, object], inputs: List[str]) -> None:
    encodable = {name: value for name, value in params.items() if "\0" not in name}
    texts = json.dumps(encodable, ensure_ascii=False)
    if texts.encode("utf-8", "replace").decode() != texts:
        return
    made = Job("pick", encodable, tuple(inputs), "out")
    made.write(folder / "job.json")
    assert read_job(folder / "job.json") == made
