# SPDX-License-Identifier: GPL-3.0-or-later
import io
from dataclasses import replace
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.core.models.checkpoint import load_network, save_checkpoint
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.finished import Finished
from cryosegment.exchange.job import read_job
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import CalibrationParams, PickParams
from cryosegment.exchange.pick_folder import PickFolder
from cryosegment.exchange.records import record_from_dict

NAMES = ("c", "a", "e", "b", "d")  # not in the order of their names
COUNT = 3


@pytest.fixture
def micrographs(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for name in NAMES:
        image = random.normal(size=(120, 160)).astype(np.float32)
        mrcfile.write(tmp_path / f"{name}.mrc", image, voxel_size=2.0)
    return tmp_path


@pytest.fixture
def model(tiny_model: Path) -> Path:
    """Its scores are called probabilities, so that the threshold depends on all micrographs."""
    network, card = load_network(tiny_model)
    path = tiny_model.with_name("calibrated.safetensors")
    calibration = CalibrationParams(a=9.0, b=0.9, c=-3.0)
    save_checkpoint(path, network, replace(card, use=replace(card.use, calibration=calibration)))
    return path


def pick(folder: Path, model: Path, output: str, *more: str) -> int:
    files = [str(folder / f"{name}.mrc") for name in NAMES]
    options = ["--diameter", "40", "--gpu", "cpu", "--contaminated", "flag", "--masks"]
    options += ["--formats", "relion", "--model", str(model), "--output", str(folder / output)]
    return main(["pick", *files, *options, *more])


def pick_shard(folder: Path, model: Path, number: int, *more: str) -> int:
    return pick(folder, model, "shared", "--shard", f"{number}/{COUNT}", *more)


def contents(folder: Path) -> dict[str, bytes]:
    """Of all files but the job, whose folder is another."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "job.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def without_time(name: str, data: bytes) -> object:
    """What a file holds, but for the time at which it was written."""
    if name.endswith(".mrc"):
        return data[1024:]
    if name.endswith(".npz"):
        with np.load(io.BytesIO(data)) as arrays:
            return {key: arrays[key].tobytes() for key in arrays}
    return data


@pytest.mark.parametrize("wish", [(), ("--number", "12"), ("--threshold", "0.4")], ids=str)
def test_shards_make_what_one_run_makes(
    micrographs: Path, model: Path, wish: tuple[str, ...]
) -> None:
    """To the byte, and the run can be resumed and picked again from as that of one."""
    assert pick(micrographs, model, "whole", *wish) == 0
    for number in (2, 3, 1):
        assert pick_shard(micrographs, model, number, *wish) == 0
    shared, whole = micrographs / "shared", micrographs / "whole"
    assert main(["merge", str(shared)]) == 0
    one, other = contents(shared), contents(whole)
    assert one.keys() == other.keys()
    assert len([name for name in one if name.startswith("coordinates/")]) == len(NAMES)
    assert one.pop("autopick.star") == other.pop("autopick.star").replace(
        bytes(whole), bytes(shared)
    )
    for name, data in one.items():
        assert without_time(name, data) == without_time(name, other[name]), name
    job = read_job(shared / "job.json")
    assert job.names == NAMES
    finished = Finished(shared, record_from_dict(PickParams, job.params), is_resumed=True)
    assert all(finished.has(name, micrographs / f"{name}.mrc") for name in NAMES)
    assert pick(micrographs, model, "shared", *wish, "--resume") == 0


def test_every_micrograph_is_in_one_shard(micrographs: Path, model: Path) -> None:
    for number in range(1, COUNT + 1):
        pick_shard(micrographs, model, number)
    found = [
        PickFolder(micrographs / "shared" / "shards" / f"{number}_of_{COUNT}").names("coordinates")
        for number in range(1, COUNT + 1)
    ]
    assert sorted(name for names in found for name in names) == sorted(NAMES)
    assert max(map(len, found)) - min(map(len, found)) <= 1


def test_what_fails_is_told(
    micrographs: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (micrographs / "d.mrc").write_bytes(b"damaged")
    statuses = [pick_shard(micrographs, model, number) for number in range(1, COUNT + 1)]
    assert statuses == [3, 0, 0]  # a and d are the first
    capsys.readouterr()
    assert main(["merge", str(micrographs / "shared")]) == 3
    assert "1 of 5 micrographs failed" in capsys.readouterr().err
    assert set(read_failures(micrographs / "shared")) == {"d"}
    assert set(read_coordinates(micrographs / "shared", 2.0)) == {"a", "b", "c", "e"}


def test_a_merge_that_broke_off_goes_on(
    micrographs: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, COUNT + 1):
        pick_shard(micrographs, model, number)
    replace_file, moved = Path.replace, []

    def break_off(path: Path, target: Path) -> Path:
        moved.append(path)
        if len(moved) == 7:
            raise KeyboardInterrupt
        return replace_file(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", break_off)
        assert main(["merge", str(micrographs / "shared")]) == 130
    assert main(["merge", str(micrographs / "shared")]) == 0
    assert pick(micrographs, model, "whole") == 0
    one, whole = (contents(micrographs / name) for name in ("shared", "whole"))
    assert one.keys() == whole.keys()
    assert one["coordinates.star"] == whole["coordinates.star"]


def test_what_cannot_be_merged(
    micrographs: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = str(micrographs / "shared")
    assert main(["merge", shared]) == 1
    assert "found none: give the output of `cryosegment pick --shard`" in capsys.readouterr().err
    for number in (1, 2):
        pick_shard(micrographs, model, number)
    assert main(["merge", shared]) == 1
    assert "3/3 has not run" in capsys.readouterr().err
    assert pick_shard(micrographs, model, 3, "--edge", "1") == 0
    assert main(["merge", shared]) == 1
    assert "shard 3/3 has other parameters than the first" in capsys.readouterr().err
    assert pick_shard(micrographs, model, 3) == 0
    finished = micrographs / "shared" / "shards" / "2_of_3" / "finished.csv"
    finished.write_text("".join(finished.read_text().splitlines(keepends=True)[:-1]))
    assert main(["merge", shared]) == 1
    assert "2/3 has not finished 1 of 2 micrographs, such as b: run" in capsys.readouterr().err
    assert pick_shard(micrographs, model, 2, "--resume") == 0
    assert main(["merge", shared]) == 0
    assert pick_shard(micrographs, model, 1, "--resume") == 1
    assert "shards that were merged: go on there without --shard" in capsys.readouterr().err


@pytest.mark.parametrize("shard", ["0/4", "5/4", "4", "a/b", "1/2/3", "-1/4"])
def test_what_is_no_shard(micrographs: Path, model: Path, shard: str) -> None:
    assert pick(micrographs, model, "shared", f"--shard={shard}") == 1
    assert not (micrographs / "shared").exists()
