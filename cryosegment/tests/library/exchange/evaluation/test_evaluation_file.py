# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluation is read back as it was written, and other files are refused."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import (
    EVALUATION_NAME,
    BoxMetrics,
    Curve,
    Difference,
    Evaluation,
    MicrographMetrics,
    ParticleMetrics,
    SetEvaluation,
    read_evaluation,
    read_marked,
    write_evaluation,
)

COUNTS = {
    **{"picks": 3, "reference": 2, "true_positives": 1, "false_positives": 2},
    **{"false_negatives": 1, "duplicates": 1},
}
NUMBERS = dict.fromkeys(
    (
        *("precision", "recall", "f1", "f_beta", "average_precision", "best_f1", "best_threshold"),
        *("center_error_mean", "center_error_median", "count_error", "calibration_error"),
    ),
    0.5,
)
ROW = MicrographMetrics(
    "one", **COUNTS, **{**NUMBERS, "precision": math.nan}, pick_marks="+=-", reference_marks="+-"
)
SET = SetEvaluation(
    "ours",
    ParticleMetrics("overall", **COUNTS, **NUMBERS),
    (ROW,),
    Curve((0.9, math.nan), (1.0, 0.5), (0.5, 0.5), (0.6, 0.5)),
    unpicked=("two",),
    intervals={"f1": (0.4, 0.6)},
    boxes=BoxMetrics(100.0, (0.5,), (1.0,), (1.0,), (1.0,), 1.0),
)
EVALUATION = Evaluation(
    "reference.star", 100.0, 25.0, 2.0, 1.0, (SET,), (Difference("a", "b", "f1", 0.1, 0.0, 0.2),)
)


def test_the_best_point_of_a_curve_is_nearest_to_the_best_threshold():
    scores = (0.9, 0.5001, 0.2, math.nan)  # the last picks have no score
    curve = Curve(scores, (1.0, 0.8, 0.6, 0.5), (0.1, 0.4, 0.5, 0.6), (0.2, 0.5, 0.5, 0.5))
    assert replace(SET, curve=curve).best_point == (0.4, 0.8)
    unscored = replace(SET.overall, best_threshold=math.nan)
    assert replace(SET, curve=curve, overall=unscored).best_point is None


def test_it_is_read_back_from_the_file_and_from_its_folder(tmp_path):
    write_evaluation(tmp_path, EVALUATION)
    assert read_evaluation(tmp_path) == EVALUATION
    assert read_evaluation(tmp_path / EVALUATION_NAME) == EVALUATION


def test_the_file_is_strict_json_with_null_for_what_cannot_be_measured(tmp_path):
    write_evaluation(tmp_path, EVALUATION)
    text = (tmp_path / EVALUATION_NAME).read_text()
    values = json.loads(text, parse_constant=pytest.fail)
    row = values["sets"][0]["micrographs"][0]
    assert (row["precision"], row["recall"], row["pick_marks"]) == (None, 0.5, "+=-")
    assert "masks" not in values["sets"][0]
    assert values["version"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: {**values, "version": 2}, "expected an evaluation of version 1"),
        (lambda values: [], "expected an evaluation of version 1"),
        (lambda values: {**values, "beta": "much"}, "is no evaluation: expected beta to be"),
        (lambda values: {**values, "sets": [{}]}, "is no evaluation: in sets: name is missing"),
    ],
)
def test_another_file_is_an_error(tmp_path, change, message):
    write_evaluation(tmp_path, EVALUATION)
    path = tmp_path / EVALUATION_NAME
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=message):
        read_evaluation(tmp_path)


def test_no_file_is_an_error(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        read_evaluation(tmp_path)


@pytest.fixture
def of_files(tmp_path):
    """An evaluation of files whose reference counts y from the last of 100 rows."""
    picks, reference = tmp_path / "0012_one_topaz.star", tmp_path / "reference.csv"
    write_coordinates(picks, Coordinates([[1.0, 2], [3, 4], [5, 6]], 2.0, "one"))
    reference.write_text("micrograph,x,y\none,10,20\none,30,40\ntwo,1,1\n")
    own = replace(SET, file=str(picks))
    return replace(EVALUATION, reference=str(reference), sets=(own,), y_up=True, height=100)


def test_marks_come_with_the_coordinates_of_the_files(of_files):
    ((name, found),) = read_marked(of_files, 0).items()
    assert name == "one"
    assert found.picks.centers_yx.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert found.pick_marks.tolist() == ["+", "=", "-"]
    assert found.reference.centers_yx.tolist() == [[79, 10], [59, 30]]
    assert np.array_equal(found.reference_marks, ["+", "-"])


def test_files_that_have_changed_are_an_error(of_files, tmp_path):
    write_coordinates(tmp_path / "0012_one_topaz.star", Coordinates([[1.0, 2]], 2.0, "one"))
    with pytest.raises(InputError, match=r"expected 3 picks and 2 particles of one .* got 1 and 2"):
        read_marked(of_files, 0)
