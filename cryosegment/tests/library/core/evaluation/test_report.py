# SPDX-License-Identifier: GPL-3.0-or-later
"""A report holds the figures of the evaluation, whole or not at all."""

import csv
import json

import cv2
import numpy as np
import pytest

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.core.evaluation.report import evaluation_to_dict, write_report
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError


@pytest.fixture
def evaluation():
    points = np.array([[0.0, 0.0], [0.0, 50.0], [0.0, 100.0]])
    picks = {"one": Coordinates(points[:2], 1.0, "one", np.array([0.9, 0.4]))}
    reference = {name: Coordinates(points, 1.0, name) for name in ("one", "two")}
    return evaluate(picks, reference, 20.0)


def test_table_has_a_row_for_each_micrograph_and_one_for_all(tmp_path, evaluation):
    write_report(tmp_path, evaluation)
    with (tmp_path / "metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"] for row in rows] == ["one", "two", "overall"]
    assert rows[0]["recall"] == "0.6667"
    assert rows[1]["precision"] == ""
    assert rows[2]["false_negatives"] == "4"


def test_json_is_strict_and_holds_the_figures(tmp_path, evaluation):
    write_report(tmp_path, evaluation)
    text = (tmp_path / "metrics.json").read_text()
    values = json.loads(text, parse_constant=pytest.fail)
    assert values == evaluation_to_dict(evaluation)
    assert values["overall"]["recall"] == pytest.approx(2 / 6)
    assert values["micrographs"][1]["precision"] is None
    assert values["unpicked"] == ["two"]
    assert (values["diameter"], values["tolerance"]) == (20.0, 0.25)


def test_curve_is_a_picture_with_a_line(tmp_path, evaluation):
    write_report(tmp_path, evaluation)
    image = cv2.imread(str(tmp_path / "precision_recall.png"))
    blue = (image == (0x8B, 0x6F, 0x1F)).all(-1)
    assert image.shape[0] > 300
    assert blue.sum() > 50
    assert not list(tmp_path.glob(".*"))


def test_a_report_of_no_picks(tmp_path, evaluation):
    reference = {"one": Coordinates(np.zeros((1, 2)), 1.0, "one")}
    write_report(tmp_path, evaluate({}, reference, 20.0))
    assert (tmp_path / "precision_recall.png").exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, evaluation):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_report(tmp_path / "file", evaluation)
