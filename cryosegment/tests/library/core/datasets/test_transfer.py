# SPDX-License-Identifier: GPL-3.0-or-later
import base64
import hashlib
import random

import pytest

from cryosegment.core.datasets import server as server_module
from cryosegment.core.datasets.checksums import Checksum
from cryosegment.core.datasets.transfer import download, remote_size
from cryosegment.exchange.errors import InputError, NetworkError

CONTENT = random.Random(1).randbytes(700_000)
NAME = "10017/data/a.mrc"


@pytest.fixture
def url(archive):
    return f"{archive.url}/empiar/world_availability/{NAME}"


def ranges(archive):
    return [headers.get("Range") for kind, _, headers in archive.seen if kind == "GET"]


def test_a_file_arrives_whole_and_leaves_nothing_beside_it(archive, url, tmp_path):
    archive.add(NAME, CONTENT, headers={"ETag": '"1"'})
    seen = []
    size = download(url, tmp_path / "new" / "a.mrc", report=lambda *both: seen.append(both))
    assert size == len(CONTENT)
    assert (tmp_path / "new" / "a.mrc").read_bytes() == CONTENT
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.mrc"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_connection_that_breaks_off_is_taken_up_where_it_broke(archive, url, tmp_path):
    archive.add(NAME, CONTENT, headers={"ETag": '"1"'}, breaks=[300_000, 100_000, 0])
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT
    assert ranges(archive) == [None, "bytes=300000-", "bytes=400000-", "bytes=400000-"]
    assert archive.seen[-1][2]["If-Range"] == '"1"'


def test_a_later_run_goes_on_with_what_is_there(archive, url, tmp_path):
    served = archive.add(
        NAME, CONTENT, headers={"Last-Modified": "then"}, breaks=[500_000, 0, 0, 0]
    )
    with pytest.raises(NetworkError, match="broke off after 500000 of 700000 bytes"):
        download(url, tmp_path / "a.mrc")
    assert not (tmp_path / "a.mrc").exists()
    served.breaks = []
    archive.seen.clear()
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT
    assert ranges(archive) == ["bytes=500000-"]


def test_another_version_on_the_server_is_fetched_anew(archive, url, tmp_path):
    archive.add(NAME, CONTENT, headers={"ETag": '"1"'}, breaks=[500_000, 0, 0, 0])
    with pytest.raises(NetworkError):
        download(url, tmp_path / "a.mrc")
    archive.add(NAME, CONTENT[::-1], headers={"ETag": '"2"'})
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT[::-1]


def test_a_server_without_ranges_sends_all_again(archive, url, tmp_path):
    archive.add(NAME, CONTENT, has_ranges=False, breaks=[300_000])
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT
    assert ranges(archive) == [None, "bytes=300000-"]


def test_a_server_that_breaks_off_ever_again_is_given_up(archive, url, tmp_path):
    archive.add(NAME, CONTENT, has_ranges=False, breaks=[300_000] * 9)
    with pytest.raises(NetworkError, match="run again"):
        download(url, tmp_path / "a.mrc")
    assert len(ranges(archive)) == 4


def test_a_part_that_is_complete_is_only_checked(archive, url, tmp_path):
    archive.add(NAME, CONTENT)
    (tmp_path / ".a.mrc.part").write_bytes(CONTENT)
    assert download(url, tmp_path / "a.mrc") == len(CONTENT)
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_thrown_away(archive, url, tmp_path):
    archive.add(NAME, CONTENT)
    (tmp_path / ".a.mrc.part").write_bytes(CONTENT + b"more")
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT


def test_a_file_of_the_right_size_is_kept_and_another_replaced(archive, url, tmp_path):
    archive.add(NAME, CONTENT)
    (tmp_path / "a.mrc").write_bytes(bytes(len(CONTENT)))
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == bytes(len(CONTENT))
    (tmp_path / "a.mrc").write_bytes(b"short")
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT


def test_a_stream_without_a_length_arrives_and_one_that_breaks_does_not(archive, url, tmp_path):
    served = archive.add(NAME, CONTENT, is_chunked=True)
    assert download(url, tmp_path / "a.mrc") == len(CONTENT)
    served.breaks = [1000] * 9
    served.has_ranges = False
    with pytest.raises(NetworkError, match="of unknown bytes"):
        download(url, tmp_path / "b.mrc")


def digests(content):
    sha = hashlib.sha256(content).digest()
    return {
        "Digest": "sha-256=" + base64.b64encode(sha).decode(),
        "Repr-Digest": "sha-256=:" + base64.b64encode(sha).decode() + ":",
        "Content-MD5": base64.b64encode(hashlib.md5(content).digest()).decode(),
    }


@pytest.mark.parametrize("header", ["Digest", "Repr-Digest", "Content-MD5"])
def test_checksums_that_come_along_are_verified(archive, url, tmp_path, header):
    archive.add(NAME, CONTENT, headers={header: digests(CONTENT)[header]}, breaks=[100_000])
    download(url, tmp_path / "a.mrc")
    archive.add(NAME, CONTENT, headers={header: digests(b"other")[header]}, breaks=[100_000])
    with pytest.raises(InputError, match="damaged on its way"):
        download(url, tmp_path / "b.mrc")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mrc"]


def test_the_md5_of_the_rest_is_not_that_of_the_file(archive, url, tmp_path):
    archive.add(NAME, CONTENT, headers={"Content-MD5": digests(CONTENT[100:])["Content-MD5"]})
    (tmp_path / ".a.mrc.part").write_bytes(CONTENT[:100])
    download(url, tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == CONTENT


def test_a_checksum_that_is_given_counts(archive, url, tmp_path):
    archive.add(NAME, CONTENT)
    good = hashlib.sha1(CONTENT).hexdigest()
    download(url, tmp_path / "a.mrc", Checksum("sha1", good))
    with pytest.raises(InputError, match=f"expected sha1 {'0' * 40}.*got {good}"):
        download(url, tmp_path / "b.mrc", Checksum("sha1", "0" * 40))


@pytest.mark.parametrize("headers", [{"Content-Type": "text/html; charset=utf-8"}, {}])
def test_a_web_page_in_place_of_data_is_refused(archive, url, tmp_path, headers):
    archive.add(NAME, b"\n<!DOCTYPE html><html><body>Maintenance</body></html>", headers=headers)
    with pytest.raises(InputError, match="got a web page"):
        download(url, tmp_path / "a.mrc")
    assert not list(tmp_path.iterdir())


def test_a_web_page_that_is_asked_for_comes(archive, tmp_path):
    archive.add("10017/readme.html", b"<html></html>", headers={"Content-Type": "text/html"})
    url = f"{archive.url}/empiar/world_availability/10017/readme.html"
    assert download(url, tmp_path / "readme.html") == 13


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (404, InputError, "does not exist"),
        (403, InputError, "refused .* with status 403"),
        (503, NetworkError, "answered 503"),
        (429, NetworkError, "try again later"),
    ],
)
def test_what_a_server_refuses_is_told(archive, url, tmp_path, status, error, message):
    archive.add(NAME, b"", status=status)
    with pytest.raises(error, match=message):
        download(url, tmp_path / "a.mrc")


@pytest.mark.slow
def test_a_request_without_an_answer_is_asked_again(archive, url, tmp_path, monkeypatch):
    monkeypatch.setattr(server_module, "TIMEOUT", 0.3)
    archive.add(NAME, CONTENT, hangs=2)
    download(url, tmp_path / "a.mrc")
    assert len(archive.seen) == 3
    archive.add(NAME, CONTENT, hangs=3)
    with pytest.raises(NetworkError, match="timed out"):
        download(url, tmp_path / "b.mrc")


def test_a_place_that_cannot_be_written_is_named(archive, url, tmp_path):
    archive.add(NAME, CONTENT)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file"):
        download(url, tmp_path / "file" / "a.mrc")
    (tmp_path / ".a.mrc.part").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        download(url, tmp_path / "a.mrc")


def test_the_size_is_known_beforehand(archive, url):
    archive.add(NAME, CONTENT)
    assert remote_size(url) == len(CONTENT)
    archive.add(NAME, CONTENT, is_chunked=True)
    assert remote_size(url) == -1
