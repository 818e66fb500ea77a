# SPDX-License-Identifier: GPL-3.0-or-later
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from torch import nn

from cryosegment.core.images.contamination_maps import ContaminationMaps
from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.core.models.model import Model
from cryosegment.core.networks import HEADS
from cryosegment.core.pipeline.batch import pick_micrographs
from cryosegment.core.pipeline.micrograph import pick_micrograph
from cryosegment.exchange.coordinates import WRITTEN, read_coordinates
from cryosegment.exchange.params import DROP, FLAG, FORMATS, MICROGRAPH, WORKING, PickParams
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, SUFFIXES, PickFolder
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.star import read_star

pytestmark = pytest.mark.slow

PARAMS = PickParams(diameter=60.0, crf="none")
Micrographs = list[tuple[str, Path]]


@pytest.fixture
def micrographs(tmp_path: Path, draw_truth: Callable) -> Micrographs:
    """Three micrographs, one with dots in its name."""
    folder = tmp_path / "micrographs"
    folder.mkdir()
    return [
        (name, draw_truth(name, (220, 160), seed=seed).write(folder))
        for seed, name in enumerate(("one", "two.frames.aligned", "three"))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "picks"


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_coordinates_of_every_micrograph(
    micrographs: Micrographs, disc_model: Model, folder: Path, draw_truth: Callable
) -> None:
    seen = []
    picked = pick_micrographs(
        micrographs, disc_model, PARAMS, folder, lambda *report: seen.append(report)
    )
    assert picked.failures == {}
    names = [name for name, _ in micrographs]
    expected = {f"{sub}/{name}.star" for sub in ("coordinates", "candidates") for name in names}
    assert files(folder) == {*expected, "coordinates.star", "micrographs.csv", "finished.csv"}
    assert [report[:2] for report in seen] == [(1, 3), (2, 3), (3, 3)]
    assert seen[1][2].startswith("two.frames.aligned: 6 particles")
    found = read_coordinates(folder / "coordinates", 2.0)
    assert set(found) == set(names)
    assert picked.picks == sum(map(len, found.values()))
    for seed, name in enumerate(names):
        picks = pick_micrograph(
            draw_truth(name, (220, 160), seed=seed).micrograph, disc_model, PARAMS
        )
        np.testing.assert_allclose(found[name].centers_yx, picks.chosen.centers_yx, atol=1e-4)
        np.testing.assert_allclose(found[name].scores, picks.chosen.scores, atol=1e-5)


def test_one_star_file_names_all_micrographs(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress)
    table = read_star(folder / "coordinates.star")[""]
    assert set(table["rlnMicrographName"]) == {str(path) for _, path in micrographs}
    together = read_coordinates(folder / "coordinates.star", 2.0)
    apart = read_coordinates(folder / "coordinates", 2.0)
    for name, coordinates in apart.items():
        np.testing.assert_allclose(together[name].centers_yx, coordinates.centers_yx)
        np.testing.assert_allclose(together[name].diameters, coordinates.diameters)


class HalfDirty(nn.Module):
    """Any network, but the left half of what it sees is contaminated."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = self.network(image).clone()
        logits[:, HEADS.index("contamination"), :, : image.shape[-1] // 2] = 8
        return logits


@pytest.mark.parametrize("scale", [WORKING, MICROGRAPH])
def test_masks_of_contamination(
    micrographs: Micrographs, disc_model: Model, folder: Path, scale: str
) -> None:
    """At either scale, they are taken by `labels --contamination`."""
    model = Model(HalfDirty(disc_model.network).eval(), disc_model.card)
    params = replace(PARAMS, masks=True, mask_scale=scale)
    pick_micrographs(micrographs[:1], model, params, folder, no_progress)
    name, path = micrographs[0]
    mask, pixel_size = read_image(folder / "contamination_masks" / f"{name}.mrc")
    shape = read_image(path)[0].shape
    factor = 1.0 if scale == MICROGRAPH else disc_model.card.input.pixels_per_diameter / 30
    assert (mask.dtype, mask.shape) == (np.int8, tuple(round(side * factor) for side in shape))
    assert pixel_size == pytest.approx(2.0 / factor, rel=0.01)
    middle = mask.shape[1] // 2
    assert mask[:, : middle - 4].all()
    assert not mask[:, middle + 4 :].any()
    area = ContaminationMaps(folder / "contamination_masks", [name]).area(name, shape)
    assert area is not None
    assert np.abs(area.sum(axis=1) - shape[1] / 2).max() <= 4


def test_masks_of_other_programs(
    micrographs: Micrographs, disc_model: Model, folder: Path, tmp_path: Path
) -> None:
    """What they mark is no place for picks, or told at each; others are picked as without."""
    (name, _), (other, _) = micrographs[:2]
    pick_micrographs(micrographs[:2], disc_model, PARAMS, folder / "free", no_progress)
    free = {n: PickFolder(folder / "free").read(CANDIDATES, n, 2.0) for n in (name, other)}
    left = np.zeros((44, 32), np.float32)  # another size, the same aspect
    left[:, :15] = 0.6
    write_image(tmp_path / "masks" / f"{name}.mrc", left, 40.0)
    width = read_image(micrographs[0][1])[0].shape[1]
    is_left = free[name].centers_yx[:, 1] < 15 / 32 * width
    assert 0 < is_left.sum() < len(is_left)
    for choice in (DROP, FLAG):
        params = replace(PARAMS, exclude=str(tmp_path / "masks"), contaminated=choice)
        params = replace(params, masks=True, maps=True)
        results = PickFolder(folder / choice)
        done = pick_micrographs(micrographs[:2], disc_model, params, folder / choice, no_progress)
        assert any("1 of 2 micrographs have no contamination map" in n for n in done.notes)
        candidates = results.read(CANDIDATES, name, 2.0)
        np.testing.assert_array_equal(candidates.centers_yx, free[name].centers_yx)
        np.testing.assert_array_equal(candidates.contamination > 0.5, is_left)
        picks, plain = (
            PickFolder(folder / kind).read(COORDINATES, name, 2.0) for kind in (choice, "free")
        )
        kept = (
            plain.centers_yx
            if choice == FLAG
            else plain.centers_yx[plain.centers_yx[:, 1] > 15 / 32 * width]
        )
        np.testing.assert_array_equal(picks.centers_yx, kept)
        assert len(results.read(COORDINATES, other, 2.0)) == results.summaries()[other].picks > 0
        assert results.summaries()[name].contamination == pytest.approx(15 / 32, abs=0.02)
        for kind in ("contamination_masks", "contamination"):
            mask = read_image(results.file(kind, name))[0]
            assert (mask > 0.5).mean() == pytest.approx(15 / 32, abs=0.02)


def test_everything_that_can_be_asked_for(
    micrographs: Micrographs, disc_model: Model, folder: Path, draw_truth: Callable
) -> None:
    wishes = {"masks": True, "mask_scale": MICROGRAPH, "maps": True, "overlays": True}
    params = replace(PARAMS, formats=FORMATS, **wishes)
    pick_micrographs(micrographs[1:2], disc_model, params, folder, no_progress)
    name = "two.frames.aligned"
    assert files(folder) >= {
        f"instances/{name}.mrc",
        f"probability/{name}.mrc",
        f"contamination/{name}.mrc",
        f"overlays/{name}.png",
    }
    truth = draw_truth(name, (220, 160), seed=1)
    picks = pick_micrograph(truth.micrograph, disc_model, PARAMS)
    instances, pixel_size = read_image(folder / "instances" / f"{name}.mrc")
    assert instances.shape == (220, 160)
    assert instances.dtype == np.int16
    assert pixel_size == pytest.approx(2.0)
    for row, center in enumerate(picks.chosen.centers_yx, start=1):
        pixels = np.argwhere(instances == row)
        assert np.abs(pixels.mean(0) - center).max() < 1
    probability, pixel_size = read_image(folder / "probability" / f"{name}.mrc")
    assert torch.equal(torch.from_numpy(probability), picks.maps.particle.half())
    assert pixel_size == pytest.approx(picks.working.pixel_size)
    picture = cv2.imread(str(folder / "overlays" / f"{name}.png"))
    assert picture.shape == (2 * picks.working.image.shape[0], 2 * picks.working.image.shape[1], 3)
    for kind in WRITTEN:  # each folder can be read whole
        found = read_coordinates(folder / kind, 2.0)[name]
        tolerance = 0.5 if WRITTEN[kind].is_whole else 2e-3
        np.testing.assert_allclose(found.centers_yx, picks.chosen.centers_yx, atol=tolerance)
    box = (folder / "box" / f"{name}.box").read_text().split()
    assert box[2:4] == ["44", "44"]  # 1.5 diameters, even
    found = read_coordinates(folder / "coordinates.cs", 2.0)  # one file for all
    assert {name: len(own) for name, own in found.items()} == {name: len(picks.chosen)}


def test_rows_of_tiff_are_those_of_the_same_mrc(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    """The last row of a TIFF is RELION's first; coordinates, masks and maps agree."""
    mrc = micrographs[0][1]
    tifffile.imwrite(mrc.with_name("two.tif"), read_image(mrc)[0][::-1])
    params = replace(PARAMS, pixel_size=2.0, masks=True, maps=True)
    pick_micrographs(
        [("one", mrc), ("two", mrc.with_name("two.tif"))], disc_model, params, folder, no_progress
    )
    found = read_coordinates(folder / "coordinates", 2.0)
    assert len(found["one"]) > 0
    np.testing.assert_array_equal(found["two"].centers_yx, found["one"].centers_yx)
    for kind in ("instances", "contamination_masks", "probability"):
        one, two = (read_image(folder / kind / f"{name}.mrc")[0] for name in ("one", "two"))
        np.testing.assert_array_equal(one, two)


def test_a_bad_micrograph_is_listed_and_the_others_are_picked(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    path = micrographs[1][1]
    path.write_bytes(path.read_bytes()[:5000])
    missing = ("missing", path.with_name("missing.mrc"))
    seen = []
    failures = pick_micrographs(
        [*micrographs, missing], disc_model, PARAMS, folder, lambda *r: seen.append(r)
    ).failures
    assert set(failures) == {"two.frames.aligned", "missing"}
    assert "does not exist" in failures["missing"]
    assert set(read_coordinates(folder / "coordinates", 2.0)) == {"one", "three"}
    assert set(read_coordinates(folder / "coordinates.star", 2.0)) == {"one", "three"}
    assert seen[1][2].startswith("two.frames.aligned: failed")


def test_resume_skips_what_is_finished(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    pick_micrographs(micrographs[:1], disc_model, PARAMS, folder, no_progress)
    path = PickFolder(folder).file(COORDINATES, "one")
    before = path.stat().st_mtime_ns
    seen = []
    resume = replace(PARAMS, resume=True)
    pick_micrographs(micrographs, disc_model, resume, folder, lambda *r: seen.append(r))
    assert [report[:2] for report in seen] == [(2, 3), (3, 3)]
    assert path.stat().st_mtime_ns == before
    assert len(read_coordinates(folder / "coordinates.star", 2.0)) == 3
    again = pick_micrographs(micrographs, disc_model, resume, folder, lambda *r: seen.append(r))
    assert len(seen) == 2
    assert again.picks == sum(map(len, read_coordinates(folder / "coordinates", 2.0).values()))
    pick_micrographs(micrographs[:1], disc_model, PARAMS, folder, no_progress)
    assert path.stat().st_mtime_ns > before


def test_a_micrograph_without_particles(disc_model: Model, folder: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).uniform(-1, 1, (160, 160)).astype(np.float32)
    cv2.imwrite(str(tmp_path / "ice.tif"), image)
    params = replace(PARAMS, pixel_size=2.0, masks=True, formats=("box", "cbox", "csv"))
    micrographs = [("ice", tmp_path / "ice.tif")]
    assert pick_micrographs(micrographs, disc_model, params, folder, no_progress).failures == {}
    assert PickFolder(folder).is_picked("ice")
    assert len(read_coordinates(folder / "coordinates", 2.0)["ice"]) == 0
    instances, _ = read_image(folder / "instances" / "ice.mrc")
    assert not instances.any()
    resume = replace(params, resume=True)
    assert pick_micrographs(micrographs, disc_model, resume, folder, no_progress).failures == {}


def test_a_place_that_cannot_be_written(
    micrographs: Micrographs, disc_model: Model, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    failures = pick_micrographs(
        micrographs, disc_model, PARAMS, tmp_path / "file" / "picks", no_progress
    ).failures
    assert set(failures) == {name for name, _ in micrographs}
    assert all("cannot make the folder" in message for message in failures.values())


def test_a_file_that_cannot_be_written_leaves_the_micrograph_undone(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    """The coordinates come last: they say that a micrograph is finished."""
    (folder / "instances" / "one.mrc").mkdir(parents=True)
    params = replace(PARAMS, masks=True)
    failures = pick_micrographs(micrographs, disc_model, params, folder, no_progress).failures
    assert set(failures) == {"one"}
    assert not PickFolder(folder).is_picked("one")
    (folder / "instances" / "one.mrc").rmdir()
    resume = replace(params, resume=True)
    assert pick_micrographs(micrographs, disc_model, resume, folder, no_progress).failures == {}
    assert PickFolder(folder).is_picked("one")


def test_a_failure_does_not_bring_back_old_picks(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress)
    micrographs[0][1].write_bytes(b"damaged")
    pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress)
    for path in ("coordinates.star", "coordinates", "candidates"):
        assert "one" not in read_coordinates(folder / path, 2.0)


def test_nothing_is_lost_where_all_fail(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for _, path in micrographs:
        path.write_bytes(b"damaged")
    assert len(pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress).failures) == 3
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_a_run_does_not_write_does_not_stay_from_an_earlier_one(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    every = replace(PARAMS, masks=True, maps=True, overlays=True, formats=FORMATS)
    pick_micrographs(micrographs[:1], disc_model, every, folder, no_progress)
    kinds = {path.parent.name for path in folder.glob("*/one[._]*")}
    assert kinds == set(SUFFIXES)
    pick_micrographs(micrographs[:1], disc_model, PARAMS, folder, no_progress)
    assert {path.parent.name for path in folder.glob("*/one[._]*")} == {"candidates", "coordinates"}
    assert not (folder / "coordinates.cs").exists()


class Interrupted(Exception):
    """In the place of Ctrl-C or a kill."""


def test_an_interrupted_run_with_new_parameters_and_its_resumption_do_not_mix(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    """Neither old parameters stay on micrographs that it had not come to, nor a changed file."""
    pick_micrographs(micrographs, disc_model, PARAMS, folder, no_progress)
    other = replace(PARAMS, threshold="0.99")
    fresh = folder.with_name("fresh")
    pick_micrographs(micrographs, disc_model, other, fresh, no_progress)

    def stop(done: int, total: int, text: str) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        pick_micrographs(micrographs, disc_model, other, folder, stop)
    assert _texts(folder) != _texts(fresh)
    seen: list[str] = []
    resume = replace(other, resume=True)
    pick_micrographs(micrographs, disc_model, resume, folder, lambda *r: seen.append(r[2]))
    assert len(seen) == 2
    assert _texts(folder) == _texts(fresh)
    shutil.copy(micrographs[1][1], micrographs[0][1])
    pick_micrographs(micrographs, disc_model, resume, folder, lambda *r: seen.append(r[2]))
    assert seen[2].startswith("one: ")
    assert len(seen) == 3


def _texts(folder: Path) -> dict[str, str]:
    """Picks of every micrograph."""
    return {path.name: path.read_text() for path in folder.glob("coordinates/*.star")}


def test_an_error_that_is_not_ours_is_not_hidden(
    micrographs: Micrographs, disc_model: Model, folder: Path
) -> None:
    broken = Model(torch.nn.Conv2d(2, 6, 1), disc_model.card)
    with pytest.raises(RuntimeError):
        pick_micrographs(micrographs, broken, PARAMS, folder, no_progress)
