# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python API: images of every type, options, one threshold for many, and what it returns."""

import logging
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosegment.core.images.micrograph import write_image
from cryosegment.core.models.model import Model
from cryosegment.core.pipeline.in_memory import OPTIONS, pick, pick_many
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.core.pipeline.picks import Picks
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError, ParameterError
from cryosegment.exchange.mixture import probabilities_in_data_set
from cryosegment.exchange.params import CalibrationParams, PickParams
from cryosegment.exchange.thresholds import threshold_of_best_f1

pytestmark = pytest.mark.slow

DIAMETER, PIXEL_SIZE = 60.0, 2.0
OF_A_RUN = {
    *("diameter", "pixel_size", "model", "ctf", "exclude", "seed", "gpu", "threads", "resume"),
    *("decoys", "masks", "mask_scale", "maps", "formats", "overlays"),
    *("size_classes", "shard", "workers"),
}
"""Parameters that say where and what a run reads and writes."""


@pytest.fixture
def levels(draw_truth: Callable) -> np.ndarray:
    """Grey levels of discs, whole numbers from 0 to 255."""
    image = draw_truth().micrograph.image.numpy()
    low, high = image.min(), image.max()
    return ((image - low) / (high - low) * 255).astype(np.uint8)


def same(one: Picks, other: Picks) -> None:
    np.testing.assert_array_equal(one.chosen.centers_yx, other.chosen.centers_yx)
    np.testing.assert_array_equal(one.chosen.scores, other.chosen.scores)


@pytest.mark.parametrize(
    "kind",
    [
        *("u1", "i2", "<u4", ">i4", "f2", "f4", ">f4", "f8"),
        *(torch.uint8, torch.int32, torch.bfloat16, torch.float64),
    ],
    ids=str,
)
def test_an_image_of_any_type_is_picked_like_its_file(
    levels: np.ndarray, disc_model: Model, tmp_path: Path, kind: str | torch.dtype
) -> None:
    path = tmp_path / "levels.mrc"
    write_image(path, levels.astype(np.float32), PIXEL_SIZE)
    expected = pick(path, disc_model, DIAMETER)
    assert len(expected.chosen) > 10
    if isinstance(kind, str):
        image = levels.astype(kind)
    else:
        image = torch.from_numpy(levels).to(kind)[None].requires_grad_(kind == torch.float64)
    same(pick(image, disc_model, DIAMETER, PIXEL_SIZE), expected)


def test_the_image_stays_as_it_is(levels: np.ndarray, disc_model: Model) -> None:
    image = levels.astype(np.float32)
    image[5, 5] = np.nan  # which gets the median
    before = image.copy()
    image.flags.writeable = False  # as of a file that is mapped into memory
    picks = pick(image[::-1, ::-1][::-1, ::-1], disc_model, DIAMETER, PIXEL_SIZE)
    np.testing.assert_array_equal(image, before)
    assert len(picks.chosen) > 10


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((300, 220)), "is constant"),
        (np.full((300, 220), np.nan), "100% of image is NaN"),
        (np.ones((2, 300, 220)), "to be one image .h, w. of real numbers, got shape .2, 300, 220."),
        (np.ones((300, 220), complex), "type complex128"),
        (torch.ones((300, 220), dtype=torch.complex64), "type complex64"),
        (np.ones(5), "got shape .5,."),
    ],
)
def test_images_are_checked_like_files(
    disc_model: Model, image: np.ndarray | torch.Tensor, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pick(image, disc_model, DIAMETER, PIXEL_SIZE)


def test_somebody_says_the_pixel_size(levels: np.ndarray, disc_model: Model) -> None:
    with pytest.raises(InputError, match="expected the pixel size of image, got none"):
        pick(levels, disc_model, DIAMETER)


def test_options_are_those_of_the_command(draw_truth: Callable, disc_model: Model) -> None:
    assert {field.name for field in fields(PickParams)} == set(OPTIONS) | OF_A_RUN
    truth = draw_truth()
    for options in ({"threshold": 0.9}, {"number": np.int64(3)}, {"edge": 4, "crf": "gaussian"}):
        texts = {name: str(v) if name == "threshold" else v for name, v in options.items()}
        params = PickParams(diameter=DIAMETER, **texts)
        expected = pick_micrograph(truth.micrograph, disc_model, params)
        same(pick(truth.micrograph, disc_model, DIAMETER, **options), expected)
    with pytest.raises(ParameterError, match="option masks is none of picking in memory"):
        pick(truth.micrograph, disc_model, DIAMETER, masks=True)
    with pytest.raises(ParameterError, match="expected edge to be at least 0"):
        pick(truth.micrograph, disc_model, DIAMETER, edge=-1)


def test_many_have_one_threshold(draw_truth: Callable, disc_model: Model) -> None:
    """That of the highest expected F1 over the candidates of all images."""
    flat = CalibrationParams(a=0.5, c=-1.0)
    card = replace(disc_model.card, use=replace(disc_model.card.use, calibration=flat))
    model = Model(disc_model.network, card)
    truths = [draw_truth(f"m{seed}", seed=seed) for seed in range(2)]
    dirty = replace(truths[1].micrograph, image=truths[1].micrograph.image.clone())
    dirty.image[:150] += 6 * torch.rand(150, 220, generator=torch.manual_seed(0))
    images = [truths[0].micrograph, dirty]
    alone = [pick(image, model, DIAMETER, contaminated="flag") for image in images]
    both = pick_many(images, model, DIAMETER, contaminated="flag")
    scores = np.concatenate([picks.candidates.scores for picks in alone])
    threshold = threshold_of_best_f1(scores, probabilities_in_data_set(scores))
    for picks, own in zip(both, alone, strict=True):
        np.testing.assert_array_equal(picks.candidates.scores, own.candidates.scores)
        np.testing.assert_array_equal(picks.is_chosen, picks.candidates.scores >= threshold)
    assert [picks.candidates.name for picks in both] == ["m0", "m1"]
    arrays = pick_many([image.image for image in images], model, DIAMETER, PIXEL_SIZE)
    assert [picks.candidates.name for picks in arrays] == ["image_1", "image_2"]
    assert pick_many([], model, DIAMETER) == []


def test_doubts_are_told(
    levels: np.ndarray, disc_model: Model, caplog: pytest.LogCaptureFixture
) -> None:
    image = levels.astype(np.float32)
    image[5, 5] = np.inf
    with caplog.at_level(logging.WARNING):
        pick(image, disc_model, DIAMETER, PIXEL_SIZE)
    assert "image: pixels that are NaN or infinite are set to the median" in caplog.text


def test_what_picks_say_and_write(draw_truth: Callable, disc_model: Model, tmp_path: Path) -> None:
    truth = draw_truth()
    picks = pick(truth.micrograph, disc_model, DIAMETER)
    count, of = len(picks.chosen), len(picks.candidates)
    assert repr(picks) == f"Picks(discs: {count} of {of} candidates, 60 Å at 2 Å/px)"
    assert repr(picks.chosen) == f"Coordinates(discs: {count} at 2 Å/px)"
    assert repr(disc_model) == "Model(discs: none, 20 px per diameter, cpu)"
    table = picks.to_dataframe()
    np.testing.assert_array_equal(table[["y", "x"]], picks.chosen.centers_yx)
    np.testing.assert_array_equal(table["score"], picks.chosen.scores)
    np.testing.assert_array_equal(table["diameter"], picks.chosen.diameters)
    assert set(table["micrograph"]) == {"discs"}
    for name in ("picks.star", "picks.csv", "PICKS.BOX", "picks.cbox", "picks_info.json"):
        picks.save(tmp_path / name)
        (found,) = read_coordinates(tmp_path / name, 2.0).values()
        np.testing.assert_allclose(found.centers_yx, picks.chosen.centers_yx, atol=0.51)
    with pytest.raises(InputError, match=r"ends in one of \.star, \.box.*got .*picks\.pdf"):
        picks.save(tmp_path / "picks.pdf")


def test_the_plot_is_in_pixels_of_the_micrograph(draw_truth: Callable, disc_model: Model) -> None:
    from matplotlib.figure import Figure

    truth = draw_truth(shape=(300, 220))
    picks = pick(truth.micrograph, disc_model, DIAMETER)
    axes = picks.plot(Figure().subplots())
    (shown,) = axes.get_images()
    left, right, bottom, top = shown.get_extent()
    assert (bottom - top, right - left) == pytest.approx((300, 220))
    height, width, _ = shown.get_array().shape
    y, x = picks.chosen.centers_yx[0] + [0, truth.diameter / PIXEL_SIZE / 2]  # on its circle
    row = round((y - top) / (bottom - top) * height - 0.5)
    column = round((x - left) / (right - left) * width - 0.5)
    around = shown.get_array()[row - 2 : row + 3, column - 2 : column + 3].astype(int)
    assert np.ptp(around, axis=-1).max() > 50  # colour, where all else is grey
