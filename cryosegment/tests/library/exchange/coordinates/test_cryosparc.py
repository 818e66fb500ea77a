# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.coordinates import JOINT, Coordinates, Picked, read_coordinates
from cryosegment.exchange.errors import InputError

LOCATION = [
    ("uid", "<u8"),
    ("location/micrograph_path", "S80"),
    ("location/micrograph_shape", "<u4", (2,)),
    ("location/center_x_frac", "<f4"),
    ("location/center_y_frac", "<f4"),
]


@pytest.fixture
def locations():
    """Three particles on two micrographs of 100 rows and 200 columns."""

    def made(*fields):
        table = np.zeros(3, [*LOCATION, *fields])
        table["uid"] = [3, 4, 5]
        table["location/micrograph_path"] = [b"J1/a.mrc", b"J1/b.mrc", b"J1/a.mrc"]
        table["location/micrograph_shape"] = (100, 200)
        table["location/center_x_frac"] = [0.25, 0.5, 0.75]
        table["location/center_y_frac"] = [0.125, 0.5, 0.25]
        return table

    return made


def save(path, table):
    with path.open("wb") as stream:
        np.save(stream, table)
    return path


def test_picks_are_coordinates(tmp_path, locations):
    table = locations(("pick_stats/ncc_score", "<f4"))
    table["pick_stats/ncc_score"] = [0.5, 0.25, 0.75]
    found = read_coordinates(save(tmp_path / "picked_particles.cs", table), 1.5)
    assert list(found) == ["a", "b"]
    assert found["a"].centers_yx.tolist() == [[12.5, 50], [25, 150]]
    assert found["a"].scores.tolist() == [0.5, 0.75]
    assert found["a"].rows.tolist() == [1, 3]


@pytest.mark.parametrize("kinds", [("3D",), ("2D",), ("2D", "3D")])
def test_shifts_are_subtracted(tmp_path, locations, kinds):
    """Those of the 3-D alignment where there are two; on micrographs of 2 Å/px."""
    fields = []
    for kind in kinds:
        fields += [(f"alignments{kind}/shift", "<f4", (2,)), (f"alignments{kind}/psize_A", "<f4")]
    table = locations(*fields)
    for kind in kinds:
        table[f"alignments{kind}/psize_A"] = 4.0
    table[f"alignments{kinds[-1]}/shift"] = (3, -1)
    found = read_coordinates(save(tmp_path / "p.cs", table), 2.0)
    assert found["b"].centers_yx.tolist() == [[52, 94]]


def test_locations_may_stand_in_the_passthrough_file(tmp_path, locations):
    main = np.zeros(2, [("uid", "<u8")])
    main["uid"] = [5, 4]
    save(tmp_path / "J3_passthrough_particles.cs", locations())
    save(tmp_path / "J3_particles.cs", main)
    for given in (tmp_path / "J3_particles.cs", tmp_path):
        found = read_coordinates(given, 1.0)
        assert {name: own.centers_yx.tolist() for name, own in found.items()} == {
            "a": [[25, 150]],
            "b": [[50, 100]],
        }


def test_parts_of_an_unknown_shape_are_refused(tmp_path, locations):
    table = locations()
    table["location/micrograph_shape"][1] = 0
    with pytest.raises(InputError, match="shape of micrographs"):
        read_coordinates(save(tmp_path / "p.cs", table), 1.0)


def test_one_file_for_all_with_the_micrographs_of_cryosparc(tmp_path):
    names = ["000002216567978961468_a", "b"]
    paths = ["J2/000002216567978961468_a.mrc", "Movies/b.tif"]
    centers_yx = [[10, 20.5], [40, 30]]
    picks = [Coordinates(centers_yx, 1.5, name, scores=[0.5, 0.25]) for name in names]
    picked = [Picked(own, path, (100, 200), "") for own, path in zip(picks, paths)]
    JOINT["cs"].write(tmp_path / "coordinates.cs", picked)
    table = np.load(tmp_path / "coordinates.cs")
    assert len(set(table["uid"].tolist())) == 4
    assert table["location/micrograph_uid"][0] == 2216567978961468
    assert len(set(table["location/micrograph_uid"].tolist())) == 2
    assert table["location/micrograph_path"].tolist()[2:] == [b"Movies/b.tif"] * 2
    np.testing.assert_allclose(table["location/center_x_frac"], [20.5 / 200, 0.15] * 2, rtol=1e-6)
    # rows are counted as they lie in the file
    np.testing.assert_allclose(table["location/center_y_frac"], [0.1, 0.4] * 2, rtol=1e-6)
    found = read_coordinates(tmp_path / "coordinates.cs", 1.5)
    assert list(found) == names
    np.testing.assert_allclose(found["b"].centers_yx, centers_yx, atol=1e-4)


@pytest.mark.parametrize("number", [2**64 - 1, 2**64, 10**21 - 1])
def test_a_number_that_no_micrograph_of_cryosparc_has_is_no_uid(tmp_path, number):
    name = f"{number:021d}_a"
    picked = Picked(Coordinates([[1.0, 2.0]], 1.0, name), f"{name}.mrc", (10, 20), "a.star")
    JOINT["cs"].write(tmp_path / "p.cs", [picked])
    uid = int(np.load(tmp_path / "p.cs")["location/micrograph_uid"][0])
    assert (uid == number) == (number < 2**64)
