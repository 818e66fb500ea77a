# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables that exchange writes hold the figures of an evaluation, whole or not at all."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from cryosegment.core.evaluation.metrics import evaluate
from cryosegment.exchange.coordinates import Coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.evaluation import (
    Evaluation,
    MaskMetrics,
    PixelMetrics,
    write_tables,
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
    write_tables(tmp_path, of(own, replace(own, name="theirs")))
    rows = rows_of(tmp_path / "metrics.csv")
    names = [(row["set"], row["name"]) for row in rows]
    assert names == [(of, n) for of in ("ours", "theirs") for n in ("one", "two", "overall")]
    assert rows[0]["recall"] == "0.6667"
    assert rows[1]["precision"] == ""
    assert rows[2]["false_negatives"] == "4"
    assert not (tmp_path / "masks.csv").exists()


def test_masks_have_a_table_as_long_as_there_are_any(tmp_path, own):
    row = PixelMetrics("particle", 0.9, 0.8, 0.7, 0.6, 0.5)
    masks = MaskMetrics("one", (row,), 0.4, 0.3, 0.2, 8, 9, (0.5,), (0.1,), 0.1)
    masked = replace(own, masks=replace(masks, name="overall"), mask_micrographs=(masks,))
    write_tables(tmp_path, of(own, masked))
    rows = rows_of(tmp_path / "masks.csv")
    assert [row["name"] for row in rows] == ["one", "overall"]
    assert (rows[0]["particle_iou"], rows[0]["average_precision_50"]) == ("0.5000", "0.1000")
    write_tables(tmp_path, of(own))
    assert not (tmp_path / "masks.csv").exists()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, own):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_tables(tmp_path / "file", of(own))
