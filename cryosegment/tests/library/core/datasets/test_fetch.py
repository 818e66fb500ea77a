# SPDX-License-Identifier: GPL-3.0-or-later
import hashlib
import io
import json
import tarfile

import pytest

from cryosegment.core.datasets.cryoppp import archive_url, unpack
from cryosegment.core.datasets.fetch import fetch_data_set, list_data_set
from cryosegment.exchange.errors import InputError, NetworkError
from cryosegment.tests.archive_server import Served


@pytest.fixture
def entry(archive):
    archive.add_entry("10017")
    for name in "abc":
        archive.add(f"10017/data/{name}.mrc", name.encode() * 1000)
    archive.add("10017/data/boxes/a.box", b"1 2 3 4\n")
    return archive


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_entry_gets_a_folder_of_its_own(entry, server, tmp_path):
    seen = []
    fetched = fetch_data_set(
        server, "EMPIAR-10017", tmp_path, "*.mrc", lambda *step: seen.append(step)
    )
    files = [f"10017/data/{name}.mrc" for name in "abc"]
    assert names(tmp_path) == [*files, "10017/entry.json"]
    assert [path.relative_to(tmp_path).as_posix() for path in fetched.paths] == files
    assert fetched.size == 3000
    assert fetched.failures == {}
    assert (tmp_path / "10017/data/b.mrc").read_bytes() == b"b" * 1000
    assert json.loads((tmp_path / "10017/entry.json").read_text())["image_sets"][0][
        "pixel_size"
    ] == pytest.approx(1.77)
    assert seen[0] == (0, 3, "data/a.mrc 100 %")
    assert seen[-1] == (3, 3, "data/c.mrc")


def test_a_second_run_fetches_only_what_is_missing(entry, server, tmp_path):
    fetch_data_set(server, "10017", tmp_path, "*")
    (tmp_path / "10017/data/b.mrc").unlink()
    entry.seen.clear()
    assert len(fetch_data_set(server, "10017", tmp_path, "*").paths) == 4
    gets = [path for kind, path, _ in entry.seen if kind == "GET" and path.endswith(".mrc")]
    assert gets == ["/empiar/world_availability/10017/data/b.mrc"]


def test_files_are_listed_without_a_download(entry, server):
    files = list_data_set(server, "10017", "*.box")
    assert [file.path for file in files] == ["data/boxes/a.box"]
    assert not any(path.endswith(".box") for _, path, _ in entry.seen)


def test_checksums_beside_the_files_are_verified(entry, server, tmp_path):
    good, bad = (hashlib.md5(text).hexdigest() for text in (b"a" * 1000, b"other"))
    entry.add("10017/md5sum.txt", f"{good}  data/a.mrc\n{bad}  data/b.mrc\n".encode())
    entry.add("10017/data/c.mrc.md5", f"{bad}\n".encode())
    fetched = fetch_data_set(server, "10017", tmp_path, "*.mrc")
    assert [path.name for path in fetched.paths] == ["a.mrc"]
    assert set(fetched.failures) == {"data/b.mrc", "data/c.mrc"}
    assert "expected md5" in fetched.failures["data/c.mrc"]


def test_the_checksum_of_a_file_that_is_not_wanted_is_not_asked_for(entry, server, tmp_path):
    entry.add("10017/data/c.mrc.md5", b"x")
    fetch_data_set(server, "10017", tmp_path, "a.mrc")
    assert not any(path.endswith(".md5") for _, path, _ in entry.seen)


def test_a_file_that_fails_does_not_stop_the_others_and_a_dead_network_does(
    entry, server, tmp_path
):
    entry.add("10017/data/b.mrc", b"", status=403)
    fetched = fetch_data_set(server, "10017", tmp_path, "*.mrc")
    assert list(fetched.failures) == ["data/b.mrc"]
    assert len(fetched.paths) == 2
    entry.add("10017/data/b.mrc", b"", status=503)
    with pytest.raises(NetworkError, match="answered 503"):
        fetch_data_set(server, "10017", tmp_path, "*.mrc")


def test_no_file_that_fits_is_an_error(entry, server, tmp_path):
    with pytest.raises(InputError, match=r"no file of EMPIAR-10017 fits '\*\.cs'"):
        fetch_data_set(server, "10017", tmp_path, "*.cs")
    assert names(tmp_path) == []


def packed(members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("10017/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    return stream.getvalue()


CSV = "10017/ground_truth/particle_coordinates/a.csv"
MEMBERS = {
    CSV: b"X,Y\n",
    "10017/micrographs/a.mrc": b"image",
    "../outside": b"bad",
    "/absolute": b"bad",
}


@pytest.fixture
def cryoppp(archive):
    archive.files["/cryoppp/10017.tar.gz"] = Served(packed(MEMBERS))
    archive.files["/cryoppp_lite/10017.tar.gz"] = Served(packed({CSV: b"X,Y\n"}))
    return archive


def test_names_of_cryoppp_sets(server):
    assert archive_url(server, "cryoppp-10017").endswith("/cryoppp/10017.tar.gz")
    assert archive_url(server, "CryoPPP-Lite-10017").endswith("/cryoppp_lite/10017.tar.gz")
    assert archive_url(server, "10017") is None
    assert archive_url(server, "cryoppp-../x") is None


def test_a_cryoppp_set_is_downloaded_and_unpacked_safely(cryoppp, server, tmp_path):
    fetched = fetch_data_set(server, "cryoppp-10017", tmp_path / "sets", "*")
    assert names(tmp_path) == [
        f"sets/{CSV}",
        "sets/10017/micrographs/a.mrc",
        "sets/cryoppp-10017.tar.gz",
    ]
    assert len(fetched.paths) == 2
    assert (tmp_path / "sets" / CSV).read_bytes() == b"X,Y\n"


def test_a_pattern_chooses_what_is_unpacked(cryoppp, server, tmp_path):
    fetch_data_set(server, "cryoppp-10017", tmp_path, "*.csv")
    assert names(tmp_path) == [CSV, "cryoppp-10017.tar.gz"]
    with pytest.raises(InputError, match=r"fits '\*\.cs'"):
        fetch_data_set(server, "cryoppp-10017", tmp_path, "*.cs")


def test_an_archive_is_listed_with_its_size(cryoppp, server):
    (file,) = list_data_set(server, "cryoppp-lite-10017", "*")
    assert file.path == "10017.tar.gz"
    assert file.size == len(cryoppp.files["/cryoppp_lite/10017.tar.gz"].content)


@pytest.mark.parametrize("damage", [slice(0, 150), slice(4, None)])
def test_a_damaged_archive_is_told(tmp_path, damage):
    archive = tmp_path / "a.tar.gz"
    archive.write_bytes(packed(MEMBERS)[damage])
    with pytest.raises(InputError, match="damaged"):
        unpack(archive, tmp_path, "*")
