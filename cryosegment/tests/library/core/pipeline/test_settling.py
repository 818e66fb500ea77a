# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from cryosegment.core.images.micrograph import read_image
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.params import MICROGRAPH, WORKING, CalibrationParams, PickParams
from cryosegment.exchange.pick_summary import read_summaries
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.thresholds import threshold_of_best_f1

pytestmark = pytest.mark.slow

PARAMS = PickParams(diameter=60.0, crf="none")
SIZE = 2.0
Micrographs = list[tuple[str, Path]]


@pytest.fixture
def micrographs(tmp_path: Path, draw_truth: Callable) -> Micrographs:
    (tmp_path / "micrographs").mkdir()
    return [
        (name, draw_truth(name, (220, 160), seed=seed).write(tmp_path / "micrographs"))
        for seed, name in enumerate(("one", "two", "three"))
    ]


@pytest.fixture
def model(disc_model: Model) -> Model:
    """A model whose scores, spread over [0, 1], are called probabilities."""
    calibration = CalibrationParams(a=9.0, b=0.9, c=-3.0)
    return Model(
        disc_model.network,
        replace(disc_model.card, use=replace(disc_model.card.use, calibration=calibration)),
    )


def read(folder: Path) -> dict[str, Coordinates]:
    return read_coordinates(folder, SIZE)


def scores_of(sets: dict[str, Coordinates]) -> np.ndarray:
    return np.sort(np.concatenate([found.scores for found in sets.values()]))[::-1]


def test_one_threshold_for_all_micrographs(
    micrographs: Micrographs, model: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "picks"
    picked = pick_micrographs(micrographs, model, PARAMS, folder, no_progress)
    candidates, chosen = read(folder / "candidates"), read(folder / "coordinates")
    everything = scores_of(candidates)
    threshold = threshold_of_best_f1(everything, probabilities_in_data_set(everything))
    assert 0 < (everything >= threshold).sum() < len(everything)
    for name, found in candidates.items():
        expected = found.scores >= threshold
        np.testing.assert_allclose(chosen[name].scores, found.scores[expected])
    assert picked.picks == (everything >= threshold).sum()
    assert picked.notes[0].startswith(f"threshold {threshold:.3f}, from the candidates")
    together = read(folder / "coordinates.star")
    assert sum(map(len, together.values())) == picked.picks
    for name, row in read_summaries(folder).items():
        assert row.picks == len(chosen[name])
        assert row.expected == pytest.approx(candidates[name].scores.sum(), abs=1e-3)
        if row.picks:
            assert row.mean_score == pytest.approx(chosen[name].scores.mean(), abs=1e-3)


@pytest.mark.parametrize("number", [1, 5, 11])
def test_so_many_picks_of_all_micrographs(
    micrographs: Micrographs, model: Model, tmp_path: Path, number: int
) -> None:
    folder, params = tmp_path / "picks", replace(PARAMS, number=number, formats=("csv",))
    picked = pick_micrographs(micrographs, model, params, folder, no_progress).picks
    everything = scores_of(read(folder / "candidates"))
    best = everything[everything >= everything[number - 1]]  # with equals of the last
    assert picked == len(best)
    for kind in ("coordinates", "csv"):
        np.testing.assert_allclose(scores_of(read(folder / kind)), best, atol=1e-5)


@pytest.mark.parametrize("scale", [WORKING, MICROGRAPH])
def test_masks_and_pictures_follow_the_picks(
    micrographs: Micrographs, model: Model, tmp_path: Path, scale: str
) -> None:
    """They are those of a run that was given the threshold."""
    wishes = {"masks": True, "mask_scale": scale, "overlays": True}
    folder, other = tmp_path / "picks", tmp_path / "given"
    params = replace(PARAMS, number=7, **wishes)
    pick_micrographs(micrographs, model, params, folder, no_progress)
    everything = scores_of(read(folder / "candidates"))
    given = str((everything[6] + everything[7]) / 2)
    params = replace(PARAMS, threshold=given, **wishes)
    pick_micrographs(micrographs, model, params, other, no_progress)
    for name, _ in micrographs:
        one, size = read_image(folder / "instances" / f"{name}.mrc")
        expected, expected_size = read_image(other / "instances" / f"{name}.mrc")
        assert size == expected_size
        assert (one != expected).mean() < 1e-4  # outlines come from a map in half precision
        assert one.max() == len(read(folder / "coordinates")[name])
        pictures = [cv2.imread(str(f / "overlays" / f"{name}.png")) for f in (folder, other)]
        np.testing.assert_array_equal(*pictures)


def test_masks_where_the_first_picks_stay(
    micrographs: Micrographs, model: Model, tmp_path: Path
) -> None:
    params = replace(PARAMS, number=100, masks=True)
    pick_micrographs(micrographs, model, params, tmp_path / "picks", no_progress)
    for name, found in read(tmp_path / "picks" / "candidates").items():
        masks, _ = read_image(tmp_path / "picks" / "instances" / f"{name}.mrc")
        assert masks.max() == len(found) > 0


def test_micrographs_of_an_earlier_run_are_brought_in_line(
    micrographs: Micrographs, model: Model, tmp_path: Path
) -> None:
    """Resuming ends as one run does, and reads no micrograph twice."""
    folder, whole = tmp_path / "picks", tmp_path / "whole"
    params = replace(PARAMS, number=4, masks=True)
    pick_micrographs(micrographs, model, params, whole, no_progress)
    pick_micrographs(micrographs[:2], model, params, folder, no_progress)
    assert len(scores_of(read(folder / "coordinates"))) == 4
    for _, path in micrographs[:2]:
        path.unlink()
    resumed = replace(params, resume=True)
    pick_micrographs(micrographs, model, resumed, folder, no_progress)
    one, other = read(folder / "coordinates"), read(whole / "coordinates")
    for name, _ in micrographs:
        np.testing.assert_array_equal(one[name].centers_yx, other[name].centers_yx)
        masks = [read_image(f / "instances" / f"{name}.mrc")[0] for f in (folder, whole)]
        np.testing.assert_array_equal(*masks)
    assert list(read_summaries(folder)) == ["one", "two", "three"]


def test_a_given_threshold_changes_nothing_afterwards(
    micrographs: Micrographs, disc_model: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "picks"
    picked = pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress)
    assert picked.notes[0] == "threshold 0.500"
    for name, found in read(folder / "candidates").items():
        chosen = read(folder / "coordinates")[name]
        np.testing.assert_array_equal(chosen.scores, found.scores[found.scores >= 0.5])
    assert all(np.isnan(row.expected) for row in read_summaries(folder).values())
