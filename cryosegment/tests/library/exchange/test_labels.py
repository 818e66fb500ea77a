# SPDX-License-Identifier: GPL-3.0-or-later
import json
import shutil

import numpy as np
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.labels import (
    LabelEntry,
    LabelsIndex,
    is_particle,
    read_labels_index,
    write_labels_index,
)


@pytest.fixture
def folder(tmp_path):
    """A folder `run` with micrographs, and their labels in `run/truth`."""
    truth = tmp_path / "run" / "truth"
    truth.mkdir(parents=True)
    entries = []
    for name in ("a", "b"):
        files = {
            "micrograph": truth.parent / f"{name}.mrc",
            "instances": truth / f"{name}_i.mrc",
            "classes": truth / f"{name}_c.mrc",
            "coordinates": truth / f"{name}.star",
        }
        for path in files.values():
            path.touch()
        entries.append(
            LabelEntry(name=name, pixel_size=1.5, shape=(64, 96), diameter=100.0, **files)
        )
    write_labels_index(truth, LabelsIndex(tuple(entries), "simulation"))
    return truth


def test_the_index_survives_a_move_of_the_whole_run(folder, tmp_path):
    moved = tmp_path / "moved"
    shutil.move(folder.parent, moved)
    index = read_labels_index(moved / "truth")
    assert index.source == "simulation"
    assert index.classes == {
        "background": 0,
        "particle": 1,
        "contamination": 2,
        "edge": 3,
        "unknown": -1,
    }
    first = index.entries[0]
    assert (first.name, first.pixel_size, first.shape, first.diameter) == (
        "a",
        1.5,
        (64, 96),
        100.0,
    )
    assert first.micrograph.resolve() == moved / "a.mrc"
    assert first.instances == moved / "truth" / "a_i.mrc"


def test_a_micrograph_elsewhere_is_named_by_its_absolute_path(folder, tmp_path):
    far = tmp_path / "elsewhere.mrc"
    far.touch()
    entry = read_labels_index(folder).entries[0]
    changed = LabelEntry(**{**vars(entry), "micrograph": far})
    write_labels_index(folder, LabelsIndex((changed,), "coordinates"))
    assert json.loads((folder / "labels.json").read_text())["micrographs"][0]["micrograph"] == str(
        far
    )
    assert read_labels_index(folder).entries[0].micrograph == far


def test_a_map_that_is_gone_is_named(folder):
    (folder / "b_i.mrc").unlink()
    with pytest.raises(InputError, match=r"b_i\.mrc, named in .* does not exist"):
        read_labels_index(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 5}, "expected labels version 1, got 5"),
        ({"micrographs": []}, "names no micrograph"),
        ({"micrographs": [{}]}, "not a valid labels file"),
        ({"micrographs": 3}, "not a valid labels file"),
        ({"classes": 3}, "not a valid labels file"),
        ({"classes": {"background": 0, "particle": 2}}, "expected the classes"),
    ],
)
def test_a_broken_index_says_why(folder, change, message):
    path = folder / "labels.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        read_labels_index(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../../x"}, "expected the name of a micrograph"),
        ({"name": "/x"}, "expected the name of a micrograph"),
        ({"name": "b"}, "more than once"),
        ({"diameter": -1}, "diameter of a to be above 0"),
        ({"diameter": float("nan")}, "diameter of a to be above 0"),
        ({"pixel_size": 0}, "pixel size of a to be above 0"),
        ({"pixel_size": float("inf")}, "pixel size of a to be above 0"),
        ({"shape": [64, -96]}, "shape of a to be above 0"),
        ({"shape": [float("inf"), 1]}, "not a valid labels file"),
    ],
)
def test_an_entry_that_cannot_be(folder, change, message):
    path = folder / "labels.json"
    values = json.loads(path.read_text())
    values["micrographs"][0].update(change)
    path.write_text(json.dumps(values))
    with pytest.raises(InputError, match=message):
        read_labels_index(folder)


def test_a_folder_without_labels(tmp_path):
    with pytest.raises(InputError, match=r"with labels\.json"):
        read_labels_index(tmp_path)
    (tmp_path / "labels.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_labels_index(tmp_path)


def test_particles_have_an_edge():
    classes = np.array([-1, 0, 1, 2, 3], np.int8)
    assert is_particle(classes).tolist() == [False, False, True, False, True]
