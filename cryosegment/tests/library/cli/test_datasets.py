# SPDX-License-Identifier: GPL-3.0-or-later
import json
import socket

import pytest

from cryosegment.cli.datasets import _size
from cryosegment.cli.main import main
from cryosegment.tests.archive_server import ArchiveServer


@pytest.fixture
def archive(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with ArchiveServer() as running:
        running.add_entry("10017", picked_particles_file_pattern="data/*.star")
        running.add("10017/data/a.mrc", bytes(5000))
        running.add("10017/data/a.star", b"data_\n")
        running.maps.append(
            {
                "emdb_id": "EMD-2824",
                "title": "galactosidase",
                "resolution": "4.2",
                "xref_EMPIAR": "EMPIAR-10017",
            }
        )
        yield running


def test_an_entry_is_fetched_and_the_job_repeats_it(archive, tmp_path, capsys):
    folder = tmp_path / "out"
    arguments = ["--output", str(folder), "--pattern", "*.mrc", "--server", archive.url]
    assert main(["fetch", "EMPIAR-10017", *arguments]) == 0
    assert (folder / "10017/data/a.mrc").stat().st_size == 5000
    told = capsys.readouterr().out
    assert told.startswith("fetch: 1 file, 5.0 KB; ")
    assert told.endswith(f"; results in {folder}\n")
    job = json.loads((folder / "job.json").read_text())
    assert (job["command"], job["inputs"]) == ("fetch", ["EMPIAR-10017"])
    (folder / "10017/data/a.mrc").unlink()
    assert main(["run", str(folder / "job.json")]) == 0
    assert (folder / "10017/data/a.mrc").exists()


def test_files_are_listed_and_entries_found(archive, capsys):
    assert main(["fetch", "10017", "--list", "--server", archive.url]) == 0
    assert capsys.readouterr().out == "5.0 KB\tdata/a.mrc\n0 B\tdata/a.star\n"
    options = ["--resolution", "5", "--coordinates", "--server", archive.url]
    assert main(["fetch", "--search", "galactosidase", *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("\t") == [
        "10017",
        "4.2",
        "EMD-2824",
        "yes",
        "4.2 GB",
        "Micrographs of entry 10017",
    ]


def test_a_search_leaves_a_job_that_repeats_it(archive, tmp_path, capsys):
    arguments = ["--search", "*", "--output", str(tmp_path), "--server", archive.url]
    assert main(["fetch", *arguments]) == 0
    first = capsys.readouterr().out
    assert main(["run", str(tmp_path / "job.json")]) == 0
    assert capsys.readouterr().out == first
    assert "EMD-2824" in first


def test_a_file_that_fails_is_told_and_the_others_come(archive, tmp_path, capsys):
    archive.add("10017/data/b.mrc", b"", status=403)
    arguments = ["fetch", "10017", "--output", str(tmp_path), "--server", archive.url]
    assert main(arguments) == 3
    told = capsys.readouterr()
    assert "2 files, 5.0 KB, 1 failed; " in told.out
    assert "1 of 3 files failed, such as data/b.mrc" in told.err
    assert main([*arguments, "--pattern", "*/b.mrc"]) == 1


def test_a_dead_network_is_one_line_and_status_1(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for arguments in (["10017", "--output", str(tmp_path)], ["--search", "*"]):
            assert main(["fetch", *arguments, "--server", url]) == 1
            lines = capsys.readouterr().err.splitlines()
            assert len(lines) == 1
            assert lines[0].startswith("cryosegment: cannot reach 127.0.0.1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "or --search, got neither"),
        (["10017", "--search", "x"], "or --search, got both"),
        (["10017"], "give --output, or --list"),
        (["betagal", "--list"], "expected an entry such as 10017"),
        (["10017", "--resolution", "3"], "give --search"),
        (["10017", "--list", "--server", "mirror"], "expected a server"),
        (["--search", "x", "--list"], "a list of files or a search"),
        (["10017", "--list", "--pattern", ""], "expected a pattern"),
    ],
)
def test_what_does_not_go_together_is_told(arguments, message, capsys):
    assert main(["fetch", *arguments]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 KB"), (67109888, "67 MB"), (4e15, "4000 TB")],
)
def test_sizes(size, text):
    assert _size(size) == text
