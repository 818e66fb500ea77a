# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.datasets.empiar import (
    entry_number,
    fits,
    list_files,
    read_entries,
    read_entry,
)
from cryosegment.exchange.errors import InputError, ParameterError


@pytest.mark.parametrize("text", ["10017", "EMPIAR-10017", " empiar-10017 "])
def test_numbers_of_entries(text):
    assert entry_number(text) == "10017"


@pytest.mark.parametrize("text", ["", "EMD-2824", "1001", "10017/../x", "betagal"])
def test_other_names_are_refused(text):
    with pytest.raises(ParameterError, match="expected an entry"):
        entry_number(text)


def test_an_entry_is_read(archive, server):
    archive.add_entry("10017", ["EMD-2824", "1F4A"], picked_particles_directory="/data/boxes/")
    entry = read_entry(server, "10017")
    assert (entry.number, entry.title, entry.size, entry.emdb) == (
        "10017",
        "Micrographs of entry 10017",
        "4.2 GB",
        ("EMD-2824",),
    )
    images = entry.image_sets[0]
    assert (images.directory, images.count, images.pixel_size) == ("data", 84, 1.77)
    assert images.particles == "data/boxes"
    assert entry.has_coordinates


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ({}, False),
        ({"picked_particles_file_pattern": ""}, False),
        ({"picked_particles_file_pattern": "data/*.star"}, True),
        ({"category": "picked particles - single frame - processed"}, True),
    ],
)
def test_coordinates_are_there_where_the_entry_names_them(archive, server, images, expected):
    archive.add_entry("10017", **images)
    assert read_entry(server, "10017").has_coordinates == expected


def test_what_depositors_leave_open_is_zero(archive, server):
    archive.add_entry("10017", pixel_width="variable", num_images_or_tilt_series=None)
    images = read_entry(server, "10017").image_sets[0]
    assert (images.count, images.pixel_size) == (0, 0.0)


def test_an_entry_that_is_not_there_or_is_another(archive, server):
    with pytest.raises(InputError, match="does not exist"):
        read_entry(server, "10017")
    archive.files["/empiar/api/entry/10018/"] = archive.add("x", b'{"EMPIAR-10017": {}}')
    with pytest.raises(InputError, match=r"expected EMPIAR-10018 .* got 10017"):
        read_entry(server, "10018")
    archive.files["/empiar/api/entry/10019/"] = archive.add("x", b"[1]")
    with pytest.raises(InputError, match="expected entries"):
        read_entry(server, "10019")


def test_several_entries_come_in_one_request(archive, server):
    for number in ("10028", "10017"):
        archive.add_entry(number)
    found = list(read_entries(server, ["10017", "10020", "10028"]))
    assert [entry.number for entry in found] == ["10017", "10028"]
    assert [seen for seen in archive.seen if seen[0] == "POST"] == [
        ("POST", "/empiar/api/entry/", "10017,10020,10028")
    ]
    assert list(read_entries(server, [])) == []


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*", True),
        ("*.mrc", True),
        ("a*.mrc", True),
        ("data/micrographs/*.mrc", True),
        ("/data/micrographs/", True),
        ("data/*", True),
        ("data/*.star", False),
        ("micrographs/*.mrc", False),
        ("*.MRC", False),
    ],
)
def test_patterns(pattern, expected):
    assert fits("data/micrographs/a1.mrc", pattern) == expected


@pytest.fixture
def tree(archive):
    for path in (
        "data/micrographs/a 1.mrc",
        "data/micrographs/b.mrc",
        "data/boxes/a.star",
        "e.xml",
    ):
        archive.add(f"10017/{path}", bytes(1536))
    return archive


def test_all_files_are_listed(tree, server):
    files = list_files(server, "10017", "*")
    assert [file.path for file in files] == [
        "data/boxes/a.star",
        "data/micrographs/a 1.mrc",
        "data/micrographs/b.mrc",
        "e.xml",
    ]
    assert files[1].url.endswith("/10017/data/micrographs/a%201.mrc")
    assert files[1].size == 1536


def test_only_the_folder_of_the_pattern_is_looked_into(tree, server):
    files = list_files(server, "10017", "/data/micrographs/*.mrc")
    assert [file.path for file in files] == ["data/micrographs/a 1.mrc", "data/micrographs/b.mrc"]
    assert len(tree.seen) == 1


def test_folders_without_end_are_left(archive, server):
    archive.add("10017/" + "a/" * 40 + "x", b"")
    with pytest.raises(InputError, match="without end"):
        list_files(server, "10017", "*")
