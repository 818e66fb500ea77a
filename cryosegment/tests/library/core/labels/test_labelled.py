# SPDX-License-Identifier: GPL-3.0-or-later
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.core.labels.labelled import read_labels
from cryosegment.core.networks import HEADS
from cryosegment.core.pipeline.micrograph import read_working_image
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import PICKS
from cryosegment.exchange.params import FRONT_ENDS, FrontEndParams, InputParams, PickParams
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.settings import pick_settings
from cryosegment.exchange.star import write_star

MakeLabels = Callable[..., Path]


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    values, pixel_size = read_image(path)
    write_image(path, change(values), pixel_size)


def test_labels_at_the_working_scale(make_labels: MakeLabels) -> None:
    """Every working pixel has the label of the micrograph's pixel nearest to it."""
    folder = make_labels(count=1, shape=(301, 222))
    (item,) = read_labels([folder], InputParams(20.0), no_progress)
    instances, _ = read_image(folder / "labels_0_instances.mrc")
    classes, _ = read_image(folder / "labels_0_classes.mrc")
    height, width = item.working.image.shape
    assert (height, width) == (201, 148)  # of 60 Å at 2 Å/px: 30 px become 20
    for y, x in np.ndindex(height, width):
        row, column = round(y * 301 / height), round(x * 222 / width)
        assert item.instances[y, x] == instances[row, column]
        assert item.known[y, x] == (classes[row, column] != -1)
    given = read_coordinates(folder / "labels_0.star", 2.0)["labels_0"].centers_yx
    expected = given / (301 / height, 222 / width)
    np.testing.assert_allclose(item.centers_yx.numpy(), expected, rtol=1e-6)
    assert item.diameter == pytest.approx(20.0, rel=2e-3)
    assert item.diameter * item.working.pixel_size == pytest.approx(60.0)
    assert item.working.valid.all()


def test_particles_are_dark_and_where_their_labels_say(make_labels: MakeLabels) -> None:
    (item,) = read_labels([make_labels(count=1)], InputParams(20.0), no_progress)
    assert item.working.image[item.instances > 0].mean() < -1
    for number, center in enumerate(item.centers_yx, start=1):
        pixels = torch.nonzero(item.instances == number).float()
        assert (pixels.mean(0) - center).abs().max() < 0.3


def test_labels_of_picks_are_not_verified(make_labels: MakeLabels) -> None:
    folders = [make_labels(count=1), make_labels("picks", count=1, source=PICKS)]
    mine, theirs = read_labels(folders, InputParams(20.0), no_progress)
    assert (mine.is_verified, theirs.is_verified) == (True, False)
    assert (mine.has_outlines, theirs.has_outlines) == (False, False)
    assert Path(mine.micrograph).samefile(folders[0] / "labels_0.mrc")


@pytest.mark.parametrize("source", ["reconstruction", "simulation"])
def test_labels_of_footprints_have_outlines(make_labels: MakeLabels, source: str) -> None:
    (image,) = read_labels([make_labels(count=1, source=source)], InputParams(20.0), no_progress)
    assert image.has_outlines


def test_labels_for_a_model_have_its_scale_and_front_end(make_labels: MakeLabels) -> None:
    folder, median = make_labels(count=1), InputParams(15.0, front_end=FrontEndParams("median"))
    (plain,) = read_labels([folder], InputParams(15.0), no_progress)
    (found,) = read_labels([folder], median, no_progress)
    assert found.diameter == pytest.approx(15.0, abs=0.1)
    assert found.working.image.shape == plain.working.image.shape
    assert not torch.equal(found.working.image, plain.working.image)


def test_contamination_and_unknown_pixels(make_labels: MakeLabels) -> None:
    folder = make_labels(count=1)

    def dirty(classes: np.ndarray) -> np.ndarray:
        changed = classes.copy()
        changed[:100] = 2
        changed[200:] = -1
        return changed

    rewrite(folder / "labels_0_classes.mrc", dirty)
    (item,) = read_labels([folder], InputParams(20.0), no_progress)
    assert item.contamination[:66].all()
    assert not item.contamination[67:].any()
    assert not item.particles[:66].any()
    assert not item.known[134:].any()
    assert item.working.valid.all()


def test_the_edge_is_part_of_the_particles(make_labels: MakeLabels) -> None:
    (plain,) = read_labels([make_labels("plain_truth", 1)], InputParams(20.0), no_progress)
    (item,) = read_labels([make_labels("edge_truth", 1, edge=12.0)], InputParams(20.0), no_progress)
    area = item.instances > 0
    # 12 Å of a radius of 30 Å
    assert float((area & ~item.edge).sum() / area.sum()) == pytest.approx(0.6**2, abs=0.03)
    assert not (item.edge & ~area).any()
    assert not plain.edge.any()
    assert torch.equal(area, plain.instances > 0)


def test_folders_add_up(make_labels: MakeLabels) -> None:
    seen = []
    folders = [make_labels("a_truth", 1), make_labels("b_truth", 2)]
    images = read_labels(
        folders, InputParams(20.0), lambda done, total, text: seen.append((done, total))
    )
    assert len(images) == 3
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_map_of_another_size(make_labels: MakeLabels) -> None:
    folder = make_labels(count=1)
    rewrite(folder / "labels_0_classes.mrc", lambda classes: classes[:-10])
    with pytest.raises(InputError, match=r"expected 300 x 220 px.* found 290 x 220"):
        read_labels([folder], InputParams(20.0), no_progress)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("instances", lambda values: values - np.int16(1), "whole numbers from 0 to 12"),
        ("instances", lambda values: values.astype(np.float32) + 0.5, "whole numbers from 0"),
        ("instances", lambda values: values * np.float32("nan"), "whole numbers from 0"),
        ("classes", lambda values: values + np.int8(5), "classes, whole numbers from -1 to 3"),
        ("classes", lambda values: values - np.int8(2), "classes, whole numbers from -1 to 3"),
    ],
)
@pytest.mark.filterwarnings("ignore:Data array contains NaN")
def test_values_that_are_no_labels(
    make_labels: MakeLabels, file: str, change: Callable, message: str
) -> None:
    folder = make_labels(count=1)
    rewrite(folder / f"labels_0_{file}.mrc", change)
    with pytest.raises(InputError, match=message):
        read_labels([folder], InputParams(20.0), no_progress)


def test_an_instance_without_coordinate(make_labels: MakeLabels) -> None:
    folder = make_labels(count=1)
    few = read_coordinates(folder / "labels_0.star", 2.0)["labels_0"].select([0])
    write_coordinates(folder / "labels_0.star", few)
    with pytest.raises(InputError, match="make the labels again"):
        read_labels([folder], InputParams(20.0), no_progress)


def test_a_micrograph_without_particles_is_good_background(make_labels: MakeLabels) -> None:
    folder = make_labels(count=2)
    rewrite(folder / "labels_0_instances.mrc", np.zeros_like)
    write_coordinates(folder / "labels_0.star", Coordinates(np.empty((0, 2)), 2.0, "labels_0"))
    images = read_labels([folder], InputParams(20.0), no_progress)
    assert [len(image.centers_yx) for image in images] == [0, 12]


def test_no_particle_at_all(make_labels: MakeLabels) -> None:
    folder = make_labels(count=1)
    rewrite(folder / "labels_0_instances.mrc", np.zeros_like)
    write_coordinates(folder / "labels_0.star", Coordinates(np.empty((0, 2)), 2.0, "labels_0"))
    with pytest.raises(InputError, match="found none"):
        read_labels([folder], InputParams(20.0), no_progress)


def test_images_are_those_that_picking_sees(make_labels: MakeLabels, tmp_path: Path) -> None:
    """Training and picking look through the front end of the card alike."""
    folder, ctf = make_labels(count=1), tmp_path / "ctf.star"
    values = {"DefocusU": 1e4, "DefocusV": 9e3, "DefocusAngle": 10.0, "Voltage": 300.0}
    values |= {"SphericalAberration": 2.7, "AmplitudeContrast": 0.1}
    table = {"rlnMicrographName": ["labels_0.mrc"], **{f"rln{k}": [v] for k, v in values.items()}}
    write_star(ctf, {"micrographs": table})
    params = PickParams(diameter=60.0, pixel_size=2.0)
    seen = []
    for name in FRONT_ENDS:
        front_end = FrontEndParams(name)
        card = ModelCard(
            "x", TrainedNetwork("none", {}, HEADS), InputParams(20.0, front_end=front_end)
        )
        estimate = read_ctfs(ctf)["labels_0"]
        expected = read_working_image(
            folder / "labels_0.mrc", "labels_0", pick_settings(params, card), estimate
        )
        (item,) = read_labels([folder], card.input, no_progress, str(ctf))
        assert torch.equal(item.working.image, expected.image)
        assert not any(torch.equal(item.working.image, other) for other in seen)
        seen.append(item.working.image)
    with pytest.raises(InputError, match="expected the CTF of labels_0"):
        read_labels([folder], InputParams(20.0, front_end=FrontEndParams("ctf-flip")), no_progress)


def test_a_map_of_another_pixel_size(make_labels: MakeLabels) -> None:
    folder = make_labels(count=1)
    path = folder / "labels_0_instances.mrc"
    write_image(path, read_image(path)[0], 2.01)
    read_labels([folder], InputParams(20.0), no_progress)  # rounded
    write_image(path, read_image(path)[0], 4.0)
    with pytest.raises(InputError, match=r"expected 2 Å/px, the micrograph's, in .*, found 4:"):
        read_labels([folder], InputParams(20.0), no_progress)


def test_a_map_that_knows_nothing_is_left_out(
    make_labels: MakeLabels, caplog: pytest.LogCaptureFixture
) -> None:
    folder = make_labels(count=2)

    def unknown(classes: np.ndarray) -> np.ndarray:
        return np.full_like(classes, -1)

    rewrite(folder / "labels_0_classes.mrc", unknown)
    (item,) = read_labels([folder], InputParams(20.0), no_progress)
    assert item.known.any()
    assert "all labels of labels_0 are unknown" in caplog.text
    rewrite(folder / "labels_1_classes.mrc", unknown)
    with pytest.raises(InputError, match="found none"):
        read_labels([folder], InputParams(20.0), no_progress)
