# SPDX-License-Identifier: GPL-3.0-or-later
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.cli.workers import devices_of_workers
from cryosegment.exchange.job import read_job
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.pick_folder import PickFolder

NAMES = ("c", "a", "e", "b", "d")


@pytest.fixture
def micrographs(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in NAMES:
        image = random.normal(size=(120, 160)).astype(np.float32)
        mrcfile.write(tmp_path / f"{name}.mrc", image, voxel_size=2.0)
    return tmp_path


def pick(folder: Path, model: Path, output: str, *more: str) -> int:
    files = [str(folder / f"{name}.mrc") for name in NAMES]
    options = ["--diameter", "40", "--gpu", "cpu", "--contaminated", "flag", "--number", "20"]
    output = str(folder / output)
    return main(["pick", *files, *options, "--model", str(model), "--output", output, *more])


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "job.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
def test_workers_make_what_one_makes(
    micrographs: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where one micrograph is damaged, and where a run before was killed."""
    damaged, whole = micrographs / "d.mrc", (micrographs / "d.mrc").read_bytes()
    damaged.write_bytes(b"damaged")
    assert pick(micrographs, tiny_model, "one") == 3
    assert pick(micrographs, tiny_model, "two", "--workers", "2") == 3
    assert "5 micrographs (pixel size 2 Å/px), 20 picks, 1 failed" in capsys.readouterr().out
    one, two = contents(micrographs / "one"), contents(micrographs / "two")
    assert one == two
    assert set(read_failures(micrographs / "two")) == {"d"}
    assert read_job(micrographs / "two" / "job.json").names == NAMES
    damaged.write_bytes(whole)
    leave_in_a_shard(micrographs / "two", "b")
    before = (micrographs / "two" / "shards" / "1_of_3" / "candidates" / "b.star").stat()
    assert pick(micrographs, tiny_model, "one", "--resume") == 0
    assert pick(micrographs, tiny_model, "two", "--workers", "2", "--resume") == 0
    one, two = contents(micrographs / "one"), contents(micrographs / "two")
    assert one["coordinates.star"] == two["coordinates.star"]
    assert one.keys() == two.keys()
    after = (micrographs / "two" / "candidates" / "b.star").stat()
    assert after.st_mtime_ns == before.st_mtime_ns  # it was not picked again


def leave_in_a_shard(folder: Path, name: str) -> None:
    """What a worker that was killed leaves of a micrograph."""
    part = PickFolder(folder / "shards" / "1_of_3")
    for kind in ("candidates", "coordinates"):
        part.file(kind, name).parent.mkdir(parents=True)
        PickFolder(folder).file(kind, name).replace(part.file(kind, name))
    for table, titles in (("micrographs.csv", 1), ("finished.csv", 0)):
        lines = (folder / table).read_text().splitlines(keepends=True)
        own = [line for line in lines if line.startswith(f"{name},")]
        Path(part.path, table).write_text("".join([*lines[:titles], *own]))
        (folder / table).write_text("".join(line for line in lines if line not in own))


@pytest.mark.slow
def test_a_worker_that_stops_is_told(
    micrographs: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pick(micrographs, tiny_model.with_name("missing"), "two", "--workers", "2") == 1
    assert "worker 1/2 stopped: cryosegment: " in capsys.readouterr().err


def test_a_device_for_each_worker() -> None:
    assert devices_of_workers(("cpu",), 3) == ["cpu"] * 3
    assert devices_of_workers(("cuda:0", "cuda:2"), 1) == ["cuda:0", "cuda:2"]
    assert devices_of_workers(("cuda:0", "cuda:2"), 3) == ["cuda:0", "cuda:2", "cuda:0"]
