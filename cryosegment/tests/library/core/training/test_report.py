# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import cv2
import numpy as np
import pytest

from cryosegment.core.report import write_page
from cryosegment.core.training.fit.pictures import keep_picture
from cryosegment.core.training.report import read_trainings, trainings_page
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.training_history import write_history
from cryosegment.tests import browser


def train(model: Path, scores: list[float], has_pictures: bool = False) -> None:
    """What a training with these scores leaves."""
    rows: list[dict[str, float]] = []
    for number, score in enumerate(scores):
        terms = {"mask": 1.0 / number, "center": 0.5} if number else {}
        rows.append({"step": 10.0 * number, "seconds": 90.0 * number, **terms, "score": score})
        if has_pictures:
            picture = np.full((40, 60, 3), 20 * number, np.uint8)
            cv2.imwrite(str(model.with_suffix(".examples.png")), picture)
            keep_picture(model, [int(row["step"]) for row in rows])
    write_history(model, rows)


def test_trainings_beside_each_other_in_a_browser(tmp_path: Path) -> None:
    models = {name: tmp_path / f"{name}.safetensors" for name in ("one", "two", "late")}
    train(models["one"], [0.2, 0.8, 0.6], has_pictures=True)
    train(models["two"], [0.1, 0.5])
    trainings = read_trainings(models)
    page = tmp_path / "report.html"
    write_page(page, trainings_page(trainings))
    seen = browser.look(
        page,
        """
        findings.rows = [...document.querySelectorAll("tbody tr")].map(row =>
          [...row.cells].map(cell => cell.textContent.trim()));
        findings.captions = [...document.querySelectorAll("figcaption")].map(e => e.textContent);
        findings.broken = [...document.images].filter(each => !each.naturalWidth).length;
        """,
    )
    assert seen["console"] == []
    assert seen["broken"] == 0
    assert seen["rows"] == [
        ["one", "20", "3.0", "0.800", "10", "0.600", "1"],  # 1/2 + 0.5
        ["two", "10", "1.5", "0.500", "10", "0.500", "1.5"],
    ]
    captions = [text.strip() for text in seen["captions"]]
    assert captions[-3:] == [
        "one: step 0, score 0.200",
        "one: step 10, score 0.800",
        "one: step 20, score 0.600",
    ]


def test_the_loss_is_the_sum_of_its_terms(tmp_path: Path) -> None:
    train(tmp_path / "a.safetensors", [0.2, 0.8, 0.6])
    (training,) = read_trainings({"a": tmp_path / "a.safetensors"})
    np.testing.assert_allclose(training.losses(), [np.nan, 1.5, 1.0])


def test_what_was_not_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found none"):
        read_trainings({"a": tmp_path / "a.safetensors"})
