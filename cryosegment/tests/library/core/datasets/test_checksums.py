# SPDX-License-Identifier: GPL-3.0-or-later
from email.message import Message

import pytest

from cryosegment.core.datasets.checksums import (
    Checksum,
    checksum_of_headers,
    hash_file,
    is_sum_file,
    read_sums,
)

# Of the empty file.
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MD5_64, SHA256_64 = "1B2M2Y8AsgTpgAmY7PhCfg==", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
SHA1_64 = "2jmj7l5rSw0yVb/vlWAYkK/YBwk="


def headers(**values):
    message = Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return message


def test_files_are_hashed(tmp_path):
    (tmp_path / "empty").touch()
    assert hash_file(tmp_path / "empty", "md5") == MD5
    assert hash_file(tmp_path / "empty", "sha256") == SHA256


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"Repr_Digest": f"sha-256=:{SHA256_64}:"}, Checksum("sha256", SHA256)),
        ({"Digest": f"md5={MD5_64},SHA-256={SHA256_64}"}, Checksum("sha256", SHA256)),
        ({"Digest": f"SHA={SHA1_64}, MD5={MD5_64}"}, Checksum("sha1", SHA1)),
        ({"Content_MD5": MD5_64}, Checksum("md5", MD5)),
        ({"Digest": "sha-256=short"}, None),
        ({"Digest": f"sha-256={MD5_64}"}, None),
        ({"Digest": "unixsum=30637"}, None),
        ({}, None),
    ],
)
def test_headers_with_checksums(values, expected):
    assert checksum_of_headers(headers(**values), True) == expected


def test_the_md5_of_a_part_is_not_that_of_the_file():
    assert checksum_of_headers(headers(Content_MD5=MD5_64), False) is None


@pytest.mark.parametrize(
    "name", ["a.mrc.md5", "md5sum.txt", "MD5SUMS", "SHA256SUMS", "checksums.txt", "x.sha1"]
)
def test_names_of_files_with_checksums(name):
    assert is_sum_file(name)


@pytest.mark.parametrize("name", ["a.mrc", "sum.txt", "md5.mrc", "summary.txt", "checksum.star"])
def test_names_of_other_files(name):
    assert not is_sum_file(name)


def test_lines_of_checksums():
    text = f"# made\n{MD5}  ./a b.mrc\n{SHA256.upper()} *deep/b.mrc\nnonsense\n{MD5[:31]} c\n"
    assert read_sums(text, "sums.txt") == {
        "a b.mrc": Checksum("md5", MD5),
        "deep/b.mrc": Checksum("sha256", SHA256),
    }
    assert read_sums(f"{MD5}\n", "a.mrc.md5") == {"a.mrc": Checksum("md5", MD5)}
