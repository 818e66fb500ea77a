# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.micrographs import files_of, find_micrographs
from cryosegment.exchange.star import write_star


@pytest.fixture
def project(tmp_path):
    """A RELION project with three images, and files that are none."""
    folder = tmp_path / "Micrographs"
    folder.mkdir()
    for name in ("b.mrc", "a.mrc", "c.TIF.gz", "a.star", "notes.txt", ".hidden.mrc"):
        (folder / name).touch()
    (folder / "deeper").mkdir()
    (folder / "deeper" / "d.mrc").touch()
    return tmp_path


def names(inputs, folder):
    return [path[len(str(folder)) + 1 :] for path in find_micrographs(inputs)]


def test_a_folder_is_the_images_in_it(project):
    found = names([str(project / "Micrographs")], project)
    assert found == ["Micrographs/a.mrc", "Micrographs/b.mrc", "Micrographs/c.TIF.gz"]
    with pytest.raises(InputError, match=r"expected images .* in the folder"):
        find_micrographs([str(project)])


def test_files_of_micrographs_have_their_names(project):
    folder = project / "Micrographs"
    found = files_of(["b", "x", "00012345_a"], [str(folder)])
    assert found == {"b": str(folder / "b.mrc"), "00012345_a": str(folder / "a.mrc")}


def test_a_pattern_is_the_files_that_fit(project):
    found = names([str(project / "Mic*" / "[ab].mrc")], project)
    assert found == ["Micrographs/a.mrc", "Micrographs/b.mrc"]
    found = names([str(project / "**" / "*.mrc")], project)
    assert found == ["Micrographs/a.mrc", "Micrographs/b.mrc", "Micrographs/deeper/d.mrc"]
    with pytest.raises(InputError, match="fit the pattern"):
        find_micrographs([str(project / "*.mrc")])


def test_files_stay_as_they_are_named_even_with_signs_of_a_pattern(project):
    odd = project / "mic[1].mrc"
    odd.touch()
    inputs = [str(odd), "nowhere.mrc", str(project / "Micrographs" / "b.mrc")]
    assert find_micrographs(inputs) == inputs


@pytest.mark.parametrize("job", ["", "CtfFind/job003"])
def test_a_list_of_relion_names_files_from_the_root_of_its_project(project, job, monkeypatch):
    (project / job).mkdir(parents=True, exist_ok=True)
    listed = ["Micrographs/b.mrc", "Micrographs/a.mrc", "Micrographs/b.mrc"]
    path = project / job / "micrographs_ctf.star"
    table = {"rlnMicrographName": listed}
    write_star(path, {"optics": {"rlnOpticsGroup": [1]}, "micrographs": table})
    assert names([str(path)], project) == listed[:2]
    monkeypatch.chdir(path.parent)
    assert names([path.name], project) == listed[:2]


def test_a_list_is_read_in_the_current_folder_first(project, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write_star(elsewhere / "m.star", {"": {"rlnMicrographName": ["Micrographs/a.mrc"]}})
    with pytest.raises(InputError, match=r"a\.mrc of .* in the folder of the project"):
        find_micrographs([str(elsewhere / "m.star")])
    monkeypatch.chdir(project)
    assert find_micrographs([str(elsewhere / "m.star")]) == [str(project / "Micrographs" / "a.mrc")]


def test_exposures_of_cryosparc(project):
    table = np.zeros(2, [("uid", "u8"), ("micrograph_blob/path", "S40")])
    table["micrograph_blob/path"] = [b"Micrographs/b.mrc", b"Micrographs/a.mrc"]
    (project / "J3").mkdir()
    path = project / "J3" / "exposures.cs"
    with path.open("wb") as stream:
        np.save(stream, table)
    assert names([str(path)], project) == ["Micrographs/b.mrc", "Micrographs/a.mrc"]
    with path.open("wb") as stream:
        np.save(stream, table[["uid"]])
    with pytest.raises(InputError, match="exposures with the field micrograph_blob/path"):
        find_micrographs([str(path)])


def test_a_star_file_without_micrographs(tmp_path):
    write_star(tmp_path / "m.star", {"": {"rlnCoordinateX": [1.0]}})
    with pytest.raises(InputError, match="_rlnMicrographName"):
        find_micrographs([str(tmp_path / "m.star")])
