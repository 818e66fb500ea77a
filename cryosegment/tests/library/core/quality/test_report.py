# SPDX-License-Identifier: GPL-3.0-or-later
"""From a labels folder to its tables and pictures."""

import csv
import json

import cv2
import numpy as np
import pytest

from cryosegment.core.images.micrograph import read_image, write_image
from cryosegment.core.quality.inspection import SUPPORTED, UNSUPPORTED, Inspector
from cryosegment.core.quality.pictures import write_pictures
from cryosegment.core.quality.report import Quality, read_rejected, write_tables
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import read_labels_index


def check(folder, output, overlays=None):
    """Inspect and write; with a number of overlays the pictures, which take long."""
    entries = read_labels_index(folder).entries
    inspector = Inspector("none")
    inspections = [inspector.inspect(entry) for entry in entries]
    quality = Quality(inspections, read_rejected(folder), "none")
    write_tables(output, quality)
    if overlays is not None:
        write_pictures(output, quality, inspector, entries, overlays)
    return quality


def test_right_labels_agree_with_their_micrographs(label, tmp_path):
    folder, output = label(), tmp_path / "quality"
    quality = check(folder, output)
    figures = quality.figures
    assert quality.notes == []
    assert (figures["supported"], figures["unlabelled"]) == (1.0, 0.0)
    assert figures["iou"] > 0.8
    assert figures["cohen_d"] < -1
    with (output / "quality.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["micrograph"] for row in rows] == ["m1", "m2"]
    for row, entry in zip(rows, read_labels_index(folder).entries, strict=True):
        instances, classes = read_image(entry.instances)[0], read_image(entry.classes)[0]
        assert float(row["coverage"]) == pytest.approx((instances > 0).mean(), abs=0.01)
        assert float(row["unknown"]) == pytest.approx((classes == -1).mean(), abs=0.01)
        assert int(row["particles"]) == instances.max()
    with (output / "particles.csv").open(newline="") as stream:
        particles = list(csv.DictReader(stream))
    assert len(particles) == figures["particles"]
    judged = np.concatenate([each.agreement.judged for each in quality.inspections])
    assert [row["supported"] for row in particles] == ["1" if near else "" for near in judged]
    values = json.loads((output / "quality.json").read_text())
    assert values["particles"] == figures["particles"]
    assert (values["notes"], values["rejected"]) == ([], {})


def test_flipped_labels_are_told_of(label, tmp_path):
    """The report of the labels says so at once, their quality as well."""
    folder = label(lambda centers: np.stack((299 - centers[:, 0], centers[:, 1]), 1))
    quality = check(folder, tmp_path / "quality")
    assert any("--y-up" in note for note in quality.notes)
    assert quality.figures["supported"] < 0.7
    values = json.loads((tmp_path / "quality" / "quality.json").read_text())
    assert values["notes"] == quality.notes
    report = json.loads((folder / "report.json").read_text())
    assert any("--y-up" in note for note in report["notes"])


def test_missing_labels_are_told_of(label, tmp_path):
    quality = check(label(lambda centers: centers[::2]), tmp_path / "quality")
    assert quality.figures["supported"] == 1.0
    assert 0.4 < quality.figures["unlabelled"] < 0.6
    assert any("no label" in note for note in quality.notes)


@pytest.mark.slow
def test_outlines_lie_around_the_labels_and_tell_by_colour(label, tmp_path):
    folder = label(lambda centers: np.concatenate((centers[:-1], centers[-1:] - 36)))
    quality = check(folder, tmp_path / "quality", 6)
    for inspection in quality.inspections:
        path = tmp_path / "quality" / "overlays" / f"{inspection.name}.png"
        picture = cv2.imread(str(path)).astype(int)
        scale = 220 / picture.shape[1]
        for color, wanted in ((SUPPORTED, True), (UNSUPPORTED, False)):
            pixels = np.argwhere((picture == color).all(-1)) * scale
            found = inspection.agreement
            chosen = inspection.centers_yx[found.judged & (found.supported == wanted)]
            distance = np.linalg.norm(pixels[:, None] - chosen, axis=-1)
            # discs of 30 px, pixels of 1.5 px
            assert abs(distance.min(axis=1) - 15).max() < 3
            assert (distance.argmin(axis=1)[:, None] == np.arange(len(chosen))).any(0).all()


@pytest.mark.slow
def test_the_summary_is_a_picture(label, tmp_path):
    check(label(), tmp_path / "quality", 1)
    picture = cv2.imread(str(tmp_path / "quality" / "quality.png"))
    assert picture.shape == (1000, 1500, 3)
    assert len(list((tmp_path / "quality" / "overlays").iterdir())) == 1


def test_bright_particles_are_segmented_as_well(label, tmp_path):
    folder = label()
    entries = read_labels_index(folder).entries
    before = [Inspector("none").inspect(entry) for entry in entries]
    for entry in entries:
        image, pixel_size = read_image(entry.micrograph)
        write_image(entry.micrograph, -image, pixel_size)
    quality = check(folder, tmp_path / "quality")
    for dark, bright in zip(before, quality.inspections, strict=True):
        assert bright.contrast.cohen_d == pytest.approx(-dark.contrast.cohen_d, rel=1e-4)
        assert bright.agreement.supported.tolist() == dark.agreement.supported.tolist()
    assert any("inverted contrast" in note for note in quality.notes)


def test_a_model_is_asked(label, tmp_path):
    folder = label()
    with pytest.raises(InputError, match="does not exist"):
        Inspector(str(tmp_path / "missing.safetensors"))
    found = Inspector("general").inspect(read_labels_index(folder).entries[0]).agreement
    assert found.supported_part > 0.9
    assert found.pixels.iou > 0.6


def test_labels_that_do_not_fit_are_refused(label):
    entry = read_labels_index(label()).entries[0]
    instances, pixel_size = read_image(entry.instances)
    write_image(entry.instances, instances[:-5], pixel_size)
    with pytest.raises(InputError, match="expected 300 x 220 px"):
        Inspector("none").inspect(entry)
    write_image(entry.instances, instances + np.int16(100), pixel_size)
    with pytest.raises(InputError, match="whole numbers from 0 to 12"):
        Inspector("none").inspect(entry)
