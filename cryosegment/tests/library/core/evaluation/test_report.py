# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an evaluation hold its figures, whole or not at all."""

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.evaluation.report import write_report
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import (
    Curve,
    Evaluation,
    MaskMetrics,
    PixelMetrics,
    read_evaluation,
)


def of(*sets):
    return Evaluation("reference.star", 20.0, 5.0, 1.0, 2.0, sets)


@pytest.fixture
def own():
    points = np.array([[0.0, 0.0], [0.0, 50.0], [0.0, 100.0]])
    picks = {"one": Coordinates(points[:2], 1.0, "one", np.array([0.9, 0.4]))}
    reference = {name: Coordinates(points, 1.0, name) for name in ("one", "two")}
    return replace(evaluate(picks, reference, 20.0), name="ours")


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_table_has_a_row_for_each_micrograph_and_one_for_all_of_every_set(tmp_path, own):
    write_report(tmp_path, of(own, replace(own, name="theirs")))
    rows = rows_of(tmp_path / "metrics.csv")
    names = [(row["set"], row["name"]) for row in rows]
    assert names == [(of, n) for of in ("ours", "theirs") for n in ("one", "two", "overall")]
    assert rows[0]["recall"] == "0.6667"
    assert rows[1]["precision"] == ""
    assert rows[2]["false_negatives"] == "4"
    assert not (tmp_path / "masks.csv").exists()


def test_json_holds_the_figures(tmp_path, own):
    write_report(tmp_path, of(own))
    (found,) = read_evaluation(tmp_path).sets
    assert found.overall.recall == pytest.approx(2 / 6)
    assert found.micrographs[0].pick_marks == "++"
    assert found.micrographs[1].reference_marks == "---"
    assert found.unpicked == ("two",)


def test_masks_have_a_table_as_long_as_there_are_any(tmp_path, own):
    row = PixelMetrics("particle", 0.9, 0.8, 0.7, 0.6, 0.5)
    masks = MaskMetrics("one", (row,), 0.4, 0.3, 0.2, 8, 9, (0.5,), (0.1,), 0.1)
    masked = replace(own, masks=replace(masks, name="overall"), mask_micrographs=(masks,))
    write_report(tmp_path, of(own, masked))
    rows = rows_of(tmp_path / "masks.csv")
    assert [row["name"] for row in rows] == ["one", "overall"]
    assert (rows[0]["particle_iou"], rows[0]["average_precision_50"]) == ("0.5000", "0.1000")
    write_report(tmp_path, of(own))
    assert not (tmp_path / "masks.csv").exists()


def test_curves_are_a_picture_with_a_line_for_each_set(tmp_path, own):
    worse = Curve((0.9, 0.4), (0.5, 0.5), (0.1, 0.4), (0.2, 0.4))
    write_report(tmp_path, of(own, replace(own, name="theirs", curve=worse)))
    image = cv2.imread(str(tmp_path / "precision_recall.png"))
    assert image.shape[0] > 300
    for color in ((0xB2, 0x72, 0x00), (0x00, 0x5E, 0xD5)):
        assert (image == color).all(-1).sum() > 50
    assert not list(tmp_path.glob(".*"))


def test_a_report_of_no_picks(tmp_path):
    reference = {"one": Coordinates(np.zeros((1, 2)), 1.0, "one")}
    write_report(tmp_path, of(evaluate({}, reference, 20.0)))
    assert (tmp_path / "precision_recall.png").exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, own):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_report(tmp_path / "file", of(own))
