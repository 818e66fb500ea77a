# SPDX-License-Identifier: GPL-3.0-or-later
import os
from pathlib import Path

import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.files import (
    atomic_path,
    check_names,
    make_folder,
    micrograph_name,
    read_json,
    read_text,
    unique_names,
    write_text,
)


def test_a_file_appears_whole_with_its_suffix_kept(tmp_path):
    target = tmp_path / "new" / "map.mrc"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.suffix == ".mrc"
        assert temporary.parent == target.parent
    assert target.read_text() == "whole"
    assert os.listdir(target.parent) == ["map.mrc"]


def write_half(target, fail):
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        error = fail()
        raise error


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "map.mrc"
    target.write_text("old")
    with pytest.raises(KeyError):
        write_half(target, KeyError)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["map.mrc"]


def test_a_full_disk_is_an_input_error_that_names_the_file(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(InputError, match=r"cannot write .*map\.mrc: No space left"):
        write_half(tmp_path / "map.mrc", lambda: Path("/dev/full").write_text("x"))
    assert os.listdir(tmp_path) == []


def test_a_file_in_place_of_a_folder_is_an_input_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        write_text(tmp_path / "file" / "a.txt", "a")
    with pytest.raises(InputError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "folder")


def test_read_text_names_what_is_wrong(tmp_path):
    (tmp_path / "binary").write_bytes(b"MZ\x00\x81")
    with pytest.raises(InputError, match="does not exist"):
        read_text(tmp_path / "missing")
    with pytest.raises(InputError, match="binary"):
        read_text(tmp_path / "binary")
    with pytest.raises(InputError, match="is a folder"):
        read_text(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_text(tmp_path / "binary" / "x")
    with pytest.raises(InputError, match=r"cannot read .*null"):
        read_text(f"{tmp_path}/a\0b")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="is a pipe or device"):
            read_text(path)


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "1" * 5000])
def test_text_that_is_not_json(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InputError, match=r"expected JSON, but .*x\.json is not JSON") as error:
        read_json(tmp_path / "x.json")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/x", "a/b", "a\0", "a\nb", "\x1b[31m", os.fsdecode(b"\xff")]
)
def test_names_that_no_file_can_have(name):
    with pytest.raises(InputError, match="expected the name of a micrograph"):
        check_names(["a", name])


def test_names_that_files_can_have():
    check_names([".a", "a.b", "a b", "..a", "µ 1", "C:\\a", "~", "µ" * 100])
    with pytest.raises(InputError, match="at most 200 bytes"):
        check_names(["µ" * 101])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_of_any_encoding(tmp_path, encoding):
    """Without byte order mark, and with line ends of Windows; long enough for several parts."""
    text = "Å und mühle\n" * 200_000
    (tmp_path / "a.txt").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert read_text(tmp_path / "a.txt") == text


@pytest.mark.parametrize(
    "content",
    [b"a\0b", "ab".encode("utf-16")[:-1], b"\xff\x01\x02\x80", "a\0\xe5".encode("latin-1")],
)
def test_binary_files_are_no_text(tmp_path, content):
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(InputError, match="binary"):
        read_text(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b/mic_001.mrc", "mic_001"),
        ("mic.dw.mrc", "mic.dw"),
        ("mic.mrc.bz2", "mic"),
        ("mic.TIF.GZ", "mic"),
        ("C:\\data\\mic.mrc", "mic"),
        ("mic", "mic"),
    ],
)
def test_micrograph_name(path, name):
    assert micrograph_name(path) == name


def test_two_micrographs_of_one_name_are_refused():
    assert unique_names(["a/1.mrc", "b/2.mrc"]) == ["1", "2"]
    with pytest.raises(InputError, match="'1'"):
        unique_names(["a/1.mrc", "b/1.tif"])
