# SPDX-License-Identifier: GPL-3.0-or-later
import math
from dataclasses import replace

import mrcfile
import numpy as np
import pytest

from cryosegment.core.evaluation.page import write_evaluation_page
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.evaluation import (
    BoxMetrics,
    Curve,
    Difference,
    DistanceMetrics,
    Evaluation,
    MaskMetrics,
    MicrographMetrics,
    ParticleMetrics,
    PixelMetrics,
    ReliabilityBin,
    SetEvaluation,
)
from cryosegment.tests.browser import look

NAN = math.nan
HOSTILE = "<img src=x onerror=window.bad=1>"
NAMES = ("good", "middling", HOSTILE)
PIXEL_SIZE, DIAMETER, SIDE = 2.0, 80.0, 400
PARTICLES = np.array([[100.0, 100.0], [100.0, 300.0], [300.0, 100.0], [300.0, 300.0]])
MARKS = {  # of picks and of the reference's particles, of both sets
    "ours": (("++++", "++++"), ("++-=", "++--"), ("---.", "----")),
    "theirs $x": (("++++", "++++"), ("++++", "++++"), ("+", "+---")),
}
LOOK = """
findings.bad = window.bad;
findings.unseen = [...document.images].filter((image) => !image.naturalWidth).length;
findings.images = document.images.length;
const cells = (table, index) => [...table.querySelectorAll("tbody tr")]
  .map((row) => row.cells[index].textContent);
const tables = [...document.querySelectorAll(".table")];
findings.titles = tables.map((table) => table.querySelector("h3")?.textContent);
findings.sets = cells(tables[0], 0);
findings.f1 = cells(tables[0], 4);
const strip = tables.find((table) => table.querySelector(".bar"));
findings.strip = cells(strip, 0).map((name, i) => [name, cells(strip, 1)[i], cells(strip, 2)[i]]);
findings.bar = strip.querySelector(".bar").title;
findings.widths = [...strip.querySelector(".bar").children].map((part) => part.style.width);
findings.sheets = [...document.querySelectorAll(".sheet")].map((sheet) =>
  [sheet.querySelector("h3").textContent, sheet.querySelectorAll("img").length]);
const block = document.querySelector(".overlays");
const counts = () => [...block.querySelectorAll("label.key")].map((key) => key.textContent.trim());
strip.querySelectorAll("td a")[0].click();
findings.first = [block.querySelector("figure:not([hidden])").dataset.name, counts()];
const path = block.querySelector("figure:not([hidden]) path[data-kind=missed]:not([hidden])");
const box = path.getBBox(); findings.box = [box.x, box.y, box.width, box.height];
"""


def metrics(kind, name, picks, particles, **more):
    right, wrong = picks.count("+"), len(picks) - picks.count("+") - picks.count(".")
    missed, doubles = particles.count("-"), picks.count("=")
    count, every = right + wrong, len(particles)
    f1 = 2 * right / (count + every)
    return kind(
        *(name, count, every, right, wrong, missed, doubles),
        *(right / count, right / every, f1, f1, f1, f1, 0.5),
        *(5.0, 5.0, count / every - 1, 0.05),
        **more,
    )


def evaluated(folder, name, marks):
    coordinates = folder / name
    rows = []
    for micrograph, (picks, particles) in zip(NAMES, marks):
        scores = np.linspace(0.9, 0.1, len(picks))
        own = Coordinates(PARTICLES[: len(picks)], PIXEL_SIZE, micrograph, scores)
        write_coordinates(coordinates / f"{micrograph}.star", own)
        more = {"pick_marks": picks, "reference_marks": particles}
        rows.append(metrics(MicrographMetrics, micrograph, picks, particles, **more))
    together = ["".join(parts) for parts in zip(*marks)]
    return SetEvaluation(
        name,
        metrics(ParticleMetrics, "overall", *together),
        tuple(rows),
        Curve((0.9, 0.5, 0.1), (1.0, 0.8, 0.6), (0.2, 0.5, 0.6), (0.3, 0.6, 0.6)),
        unreferenced=("elsewhere",),
        intervals={"f1": (0.123, 0.987)},
        center_errors=tuple(np.linspace(0, 10, 101).tolist()),
        reliability=(ReliabilityBin(0, 0.5, 5, 0.3, 0.2), ReliabilityBin(0.5, 1, 5, 0.8, 0.9)),
        file=str(coordinates),
    )


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated")
    for name in NAMES:
        own = Coordinates(PARTICLES, PIXEL_SIZE, name)
        write_coordinates(folder / "reference" / f"{name}.star", own)
    sets = tuple(evaluated(folder, name, marks) for name, marks in MARKS.items())
    difference = Difference(*MARKS, "f1", -0.2, -0.3, -0.1)
    reference = str(folder / "reference")
    return Evaluation(reference, DIAMETER, 20.0, PIXEL_SIZE, 2.0, sets, (difference,))


@pytest.fixture(scope="module")
def micrographs(tmp_path_factory):
    folder, random = tmp_path_factory.mktemp("micrographs"), np.random.default_rng(0)
    files = {name: folder / f"{number}.mrc" for number, name in enumerate(NAMES)}
    for path in files.values():
        mrcfile.write(path, random.normal(size=(SIDE, SIDE)).astype(np.float32))
    return {name: str(path) for name, path in files.items()}


@pytest.fixture(scope="module")
def found(evaluation, micrographs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    write_evaluation_page(folder, evaluation, micrographs)
    return look(folder / "report.html", LOOK)


def test_it_works_in_a_browser(found):
    """Precision and recall, two thresholds, calibration, centring; then micrographs and tiles."""
    tiles = sum(count for _, count in found["sheets"])
    assert found["console"] == []
    assert "bad" not in found
    assert found["unseen"] == 0
    assert found["images"] == 5 + 3 + tiles


def test_all_sets_are_in_the_summary(found):
    assert found["titles"][:2] == [None, "Differences between the sets"]
    assert found["sets"] == list(MARKS)
    assert [cell.split() for cell in found["f1"]] == [
        [f"{2 * 6 / (11 + 12):.3f}", "0.123–0.987"],
        [f"{2 * 9 / (9 + 12):.3f}", "0.123–0.987"],
    ]


def test_the_worst_micrographs_come_first(found):
    assert found["strip"][:3] == [
        [HOSTILE, "ours", "0.000"],
        [HOSTILE, "theirs $x", "0.400"],
        ["middling", "ours", "0.500"],
    ]
    assert found["bar"] == "0 hits, 4 missed, 3 false picks, 0 duplicates"
    # the longest bar has seven, too
    assert found["widths"] == ["0%", "57.1%", "42.9%", "0%"]


def test_contact_sheets_show_each_kind_of_each_set(found):
    assert found["sheets"] == [
        ["ours: hits", 6],
        ["ours: missed", 6],
        ["ours: false picks", 4],
        ["theirs $x: hits", 9],
        ["theirs $x: missed", 3],
    ]


def test_a_name_leads_to_the_marks_of_its_set(found):
    name, counts = found["first"]
    assert name == HOSTILE
    assert counts == ["hits 0", "missed 4", "false picks 3", "not counted 1", "duplicates 0"]
    # diamonds of 40 px around the corner particles, whose pixels' centres are half a pixel in
    assert found["box"] == pytest.approx([80.5, 80.5, 240, 240], abs=0.1)


def test_without_micrographs_there_are_tables_and_curves(evaluation, tmp_path):
    write_evaluation_page(tmp_path, evaluation)
    page = (tmp_path / "report.html").read_text()
    assert page.count("<img ") == 5
    assert "Contact sheets" not in page
    assert "no reference for 1 of 4 micrographs with picks, such as elsewhere, which do not" in page


def test_a_micrograph_that_cannot_be_read_is_named(evaluation, micrographs, tmp_path):
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"nothing")
    write_evaluation_page(tmp_path, evaluation, {**micrographs, "good": str(broken)})
    page = (tmp_path / "report.html").read_text()
    assert page.count("<figure data-name=") == 2
    assert "not shown: " in page
    assert "broken.mrc" in page


def test_other_figures_are_there_where_they_were_asked_for(evaluation, tmp_path):
    first, second = evaluation.sets
    pixels = PixelMetrics("particle", 0.91, 0.82, 0.73, 0.64, 0.55)
    masks = MaskMetrics("overall", (pixels,), 0.11, 0.12, 0.13, 1234, 1235, (0.5,), (0.4,), 0.41)
    added = {
        "distances": (DistanceMetrics(33.5, 0.31, 0.32, 0.33, 0.34, 0.35),),
        "boxes": BoxMetrics(80, (0.5, 0.75), (0.4, 0.3), (0.6, 0.5), (0.45, 0.25), 0.347),
        "discs": (pixels,),
        "masks": masks,
    }
    own = replace(evaluation, sets=(replace(first, **added), second))
    write_evaluation_page(tmp_path, own)
    page = (tmp_path / "report.html").read_text()
    for figure in ("33.5", "0.347", "0.550", "1,234", "0.410"):
        assert f">{figure}<" in page
    assert "Other figures" in page


def test_boxes_that_overlap_are_told_of(evaluation, tmp_path):
    write_evaluation_page(tmp_path, replace(evaluation, box=80.0, overlap=0.3))
    page = (tmp_path / "report.html").read_text()
    assert "a pick is right if its box of 80 Å overlaps that of a particle by 0.3" in page
    assert "within 20 Å" not in page


def test_nothing_to_measure(evaluation, tmp_path):
    """No picks at all, and scores that are no probabilities."""
    nothing = ParticleMetrics("overall", 0, 4, 0, 0, 4, 0, NAN, 0.0, 0.0, 0.0, 0.0, *([NAN] * 6))
    row = MicrographMetrics("a", *list(vars(nothing).values())[1:], "", "----")
    own = SetEvaluation("none", nothing, (row,), Curve((), (), (), ()), ("a",))
    sets = (own,)
    write_evaluation_page(tmp_path, Evaluation("r", 80.0, 20.0, 2.0, 2.0, sets))
    page = (tmp_path / "report.html").read_text()
    assert page.count("<img ") == 1
    assert "none: no picks on 1 of 1 micrographs of the reference, such as a" in page
