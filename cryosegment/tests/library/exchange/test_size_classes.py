# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.coordinates import Coordinates, read_coordinates
from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.size_classes import (
    by_size,
    class_boundaries,
    size_gaps,
    write_size_classes,
)


def drawn(*species):
    """Diameters of species, each given by its number, mean and relative spread."""
    random = np.random.default_rng(5)
    return np.concatenate([random.lognormal(np.log(mean), s, n) for n, mean, s in species])


def picks(diameters, name="mic"):
    centers_yx = np.stack((np.arange(len(diameters)), np.zeros(len(diameters))), axis=1)
    return Coordinates(centers_yx, 2.0, name, diameters=diameters)


def test_gaps_lie_between_the_commonest_diameters():
    found = size_gaps(drawn((300, 100.0, 0.08), (200, 160.0, 0.08)))
    assert len(found) == 1
    assert 118 < found[0] < 136
    three = size_gaps(drawn((300, 60.0, 0.08), (300, 100.0, 0.08), (300, 160.0, 0.08)))
    assert len(three) == 2
    assert 70 < three[0] < 86
    assert 118 < three[1] < 136


@pytest.mark.parametrize(
    "diameters",
    [
        drawn((500, 120.0, 0.15)),
        drawn((500, 100.0, 0.08), (25, 160.0, 0.05)),  # a few dirty ones are no species
        drawn((300, 100.0, 0.1), (300, 115.0, 0.1)),  # one commonest diameter
        drawn((300, 100.0, 0.08), (300, 126.0, 0.08)),  # two, with a shallow dip between them
        np.array([120.0]),
        np.array([np.nan, 0.0]),
        np.empty(0),
    ],
)
def test_one_species_has_no_gap(diameters):
    assert size_gaps(diameters) == ()


def test_gaps_do_not_depend_on_the_unit_or_on_masks_that_are_missing():
    diameters = drawn((300, 100.0, 0.08), (200, 160.0, 0.08))
    expected = size_gaps(diameters)[0]
    assert size_gaps(10 * diameters)[0] == pytest.approx(10 * expected, rel=0.02)
    assert size_gaps(np.append(diameters, [np.nan] * 99))[0] == expected


def test_a_boundary_belongs_to_the_larger_class_and_picks_without_masks_to_none():
    some = picks([150.0, 99.0, np.nan, 100.0, 300.0])
    classes = by_size(some, (100.0, 200.0))
    assert [each.rows.tolist() for each in classes] == [[2], [1, 4], [5]]


def test_boundaries_that_are_asked_for():
    found = [picks(drawn((300, 100.0, 0.08)), "a"), picks(drawn((200, 160.0, 0.08)), "b")]
    assert class_boundaries("none", found) == ()
    assert class_boundaries("120, 200", found) == (120.0, 200.0)
    assert 118 < class_boundaries("auto", found)[0] < 136
    assert class_boundaries("auto", []) == ()


@pytest.mark.parametrize("text", ["200,100", "100,100", "0,100", "-5", "nan", "", "small", "1e9"])
def test_boundaries_that_cannot_be(text):
    with pytest.raises(ParameterError, match="size classes"):
        PickParams(diameter=100.0, size_classes=text)


def test_each_class_has_a_file_and_those_of_earlier_classes_go(tmp_path):
    folder = PickFolder(tmp_path)
    pairs = [
        (tmp_path / "a.mrc", picks([100.0, 160.0], "a")),
        (tmp_path / "b.mrc", picks([90.0], "b")),
    ]
    first, second, third = write_size_classes(folder, "95,120", pairs)
    assert str(first) == "size class 1 below 95 Å: 1 pick"
    assert str(second) == "size class 2 from 95 Å below 120 Å: 1 pick"
    assert str(third) == "size class 3 from 120 Å: 1 pick"
    found = [read_coordinates(path, 2.0) for path in folder.class_files()]
    assert [list(each) for each in found] == [["b"], ["a"], ["a"]]
    assert found[2]["a"].diameters.tolist() == [160.0]
    assert len(write_size_classes(folder, "95", pairs)) == 2
    assert [path.name for path in folder.class_files()] == [
        "coordinates_size1.star",
        "coordinates_size2.star",
    ]
    assert write_size_classes(folder, "none", pairs) == []
    assert folder.class_files() == []
