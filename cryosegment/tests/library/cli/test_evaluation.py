# SPDX-License-Identifier: GPL-3.0-or-later
"""`evaluate`: several sets, their names, masks, ignored regions and what is printed."""

import json
from pathlib import Path

import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.core.images.micrograph import write_image
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.evaluation import read_evaluation

PARTICLES = np.array([[20.0, 20], [20, 80], [80, 20], [80, 80]])
SIZES = ["--diameter", "40", "--pixel-size", "2"]
NAMES = ("m1", "m2", "m3")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three micrographs; one picker finds all of two, another half of each and a duplicate."""
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        for kind, centers in (
            ("reference", PARTICLES),
            ("good/coordinates", PARTICLES + 1),
            ("half", [PARTICLES[0], PARTICLES[0] + 2, PARTICLES[3]]),
        ):
            if (kind, name) != ("good/coordinates", "m3"):
                path = tmp_path / kind / f"{name}.star"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_coordinates(path, Coordinates(centers, 2.0, name))
    return tmp_path


def evaluate(*more):
    sets = ["--picks", "good/coordinates", "half", "--reference", "reference"]
    return main(["evaluate", *sets, *SIZES, *map(str, more)])


def test_several_sets_are_told_beside_each_other(folder, capsys):
    assert evaluate() == 0
    said = capsys.readouterr()
    _, good, half, compared = said.out.splitlines()
    assert good.split()[:6] == ["good", "8", "12", "1.000", "0.667", "0.800"]
    assert half.split()[:6] == ["half", "9", "12", "0.667", "0.500", "0.571"]
    assert compared.startswith("F1 of good is above that of half by 0.229 (95 % interval: ")
    assert "good: no picks on 1 of 3 micrographs of the reference, such as m3" in said.err


def test_a_run_ends_with_where_its_results_are_unless_it_prints_json(folder, capsys):
    assert evaluate("--output", "out") == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("evaluate: 2 sets, 3 micrographs; ")
    assert last.endswith(f"; results in {folder / 'out'}")
    assert evaluate("--output", "out", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_the_page_shows_the_micrographs_that_are_given(folder):
    noise = np.random.default_rng(0).standard_normal((100, 100)).astype(np.float32)
    for name in ("m1", "other"):
        write_image(folder / "micrographs" / f"{name}.mrc", noise, 2.0)
    assert evaluate("--output", "plain") == 0
    assert evaluate("--output", "shown", "--micrographs", "micrographs/*.mrc") == 0
    plain, shown = (Path(name, "report.html").read_text() for name in ("plain", "shown"))
    assert "Hits, misses and false picks" not in plain
    assert "Hits, misses and false picks" in shown
    assert evaluate("--output", "none", "--micrographs", "micrographs/other.mrc") == 1


def test_a_set_whose_f1_cannot_be_measured_is_not_the_best(folder, capsys):
    """Where only a pick of the other set is not at a border that does not count."""
    (folder / "middle").mkdir()
    write_coordinates(folder / "middle" / "m1.star", Coordinates([[50.0, 50.0]], 2.0, "m1"))
    sets = ["--picks", "half", "middle", "--reference", "reference"]
    border = ["--margin", "70", "--height", "100", "--width", "100"]
    assert main(["evaluate", *sets, *SIZES, *border]) == 0
    *_, compared = capsys.readouterr().out.splitlines()
    assert compared.startswith("F1 of middle is above that of half by nan")


def test_the_folder_holds_all_sets_in_their_order(folder):
    assert evaluate("--output", "out", "--names", "mine,theirs", "--distances", "10,2") == 0
    found = read_evaluation(folder / "out")
    assert [own.name for own in found.sets] == ["mine", "theirs"]
    assert [own.file for own in found.sets] == [
        str(folder / p) for p in ("good/coordinates", "half")
    ]
    assert found.sets[1].overall.duplicates == 3
    assert found.sets[1].micrographs[0].pick_marks == "+=+"
    assert found.sets[1].micrographs[0].reference_marks == "+--+"
    assert [row.distance for row in found.sets[0].distances] == [2.0, 10.0]
    assert [row.recall for row in found.sets[0].distances] == [0.0, pytest.approx(8 / 12)]
    assert {each.figure for each in found.differences} == {"f1", "average_precision"}
    assert found.sets[0].intervals["f1"][0] < 0.8 < found.sets[0].intervals["f1"][1]


def test_json_is_a_list_of_several_sets(folder, capsys):
    evaluate("--json", "--samples", "0")
    one, two = json.loads(capsys.readouterr().out)
    assert (one["name"], two["name"]) == ("good", "half")
    assert (two["overall"]["duplicates"], two["intervals"]) == (3, {})


def test_a_distance_in_angstrom_replaces_the_tolerance(folder, capsys):
    """The good picks are 2.8 Å off."""
    for distance, recall in ((2.8, 0.0), (2.9, 8 / 12)):
        evaluate("--json", "--distance", distance)
        assert json.loads(capsys.readouterr().out)[0]["overall"]["recall"] == pytest.approx(recall)


def test_a_margin_leaves_out_what_is_near_the_border(folder, capsys):
    """Of 100 rows, row 80 is 19 pixels of 2 Å from the last, and row 20 is 20 from the first."""
    assert evaluate("--margin", "39") == 1
    assert "give --height and --width" in capsys.readouterr().err
    for margin, marks in ((38, "++++"), (39, "++..")):
        size = ("--height", "100", "--width", "140")
        assert evaluate("--margin", margin, *size, "--json") == 0
        row = json.loads(capsys.readouterr().out)[0]["micrographs"][0]
        assert (row["reference_marks"], row["pick_marks"]) == (marks, marks)


def test_contaminated_regions_do_not_count(folder, capsys):
    contaminated = np.zeros((50, 50), np.int8)
    contaminated[:, 25:] = 1
    write_image(folder / "dirty" / "m1.mrc", contaminated, 4.0)
    assert evaluate("--contamination", "dirty", "--json") == 0
    said = capsys.readouterr()
    rows = json.loads(said.out)[0]["micrographs"]
    assert [row["reference_marks"] for row in rows] == ["+.+.", "++++", "----"]
    assert [row["pick_marks"] for row in rows] == ["+.+.", "++++", ""]
    assert "2 of 3 micrographs have no contamination map" in said.err


def instances(centers, radius=10):
    rows, columns = np.mgrid[:100, :100]
    found = np.zeros((100, 100), np.int16)
    for number, (row, column) in enumerate(centers, start=1):
        found[np.hypot(rows - row, columns - column) < radius] = number
    return found


@pytest.fixture
def masks(folder):
    """Of the good set in half the pixels; none of the third micrograph."""
    for name in NAMES:
        write_image(folder / "truth" / f"{name}.mrc", instances(PARTICLES), 2.0)
        write_image(folder / "half_masks" / f"{name}.mrc", instances(PARTICLES[:2]), 2.0)
        if name != "m3":
            write_image(folder / "good_masks" / f"{name}.mrc", instances(PARTICLES)[::2, ::2], 4.0)
    return ["--masks", "good_masks", "half_masks", "--reference-masks", "truth"]


def test_masks_of_each_set(folder, masks):
    assert evaluate(*masks, "--output", "out") == 0
    good, half = read_evaluation(folder / "out").sets
    assert half.masks.classes[0].recall == pytest.approx(0.5, abs=0.01)
    assert half.masks.mean_average_precision == pytest.approx(0.5)
    assert [row.name for row in good.mask_micrographs] == list(NAMES)
    assert good.mask_micrographs[0].classes[0].iou > 0.9
    assert good.mask_micrographs[2].classes[0].recall == 0
    assert good.mask_folder == str(folder / "good_masks")
    assert (folder / "out" / "masks.csv").exists()


def test_outlines_may_be_off_by_a_part_of_the_diameter(folder, masks):
    """By 2 px of 2 Å, which is a tenth of it."""
    for name in NAMES:
        shifted = instances(PARTICLES + np.array([0, 2]))
        write_image(folder / "half_masks" / f"{name}.mrc", shifted, 2.0)
    found = []
    for boundary in (0.09, 0.1):
        assert evaluate(*masks, "--boundary", boundary, "--output", "out") == 0
        found.append(read_evaluation(folder / "out").sets[1].masks.boundary_f1)
    assert found[0] < 0.99
    assert found[1] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--masks", "good_masks", "--reference-masks", "truth"], "expected folders of masks of 2"),
        (["--masks", "good_masks", "half_masks"], "give --masks and --reference-masks"),
        (
            ["--masks", "good_masks", "no", "--reference-masks", "truth"],
            "expected a folder of masks",
        ),
        (
            ["--masks", "good_masks", "half", "--reference-masks", "truth"],
            "no micrograph has masks",
        ),
        (["--names", "one"], "expected names of 2 sets of picks, got 1"),
        (["--names", "one,one"], "two sets are named 'one'"),
    ],
)
def test_what_does_not_fit_is_an_error(folder, masks, change, message, capsys):
    assert evaluate(*change) == 1
    assert message in capsys.readouterr().err


def test_masks_of_another_shape_and_maps_are_errors(folder, masks, capsys):
    write_image(folder / "good_masks" / "m1.mrc", np.zeros((40, 50), np.int16), 2.0)
    assert evaluate(*masks) == 1
    assert "another aspect ratio" in capsys.readouterr().err
    write_image(folder / "good_masks" / "m1.mrc", np.full((100, 100), 0.5, np.float32), 2.0)
    assert evaluate(*masks) == 1
    assert "expected whole numbers in the instance mask" in capsys.readouterr().err
