# SPDX-License-Identifier: GPL-3.0-or-later
import json
import re
import struct
import subprocess
import sys
from dataclasses import replace

import mrcfile
import numpy as np
import pytest
import tifffile
import torch
from safetensors.numpy import save_file

from cryosegment.cli.main import main
from cryosegment.core.images.micrograph import DOUBTFUL_PIXEL_SIZE
from cryosegment.core.images.reading import MIRRORED
from cryosegment.core.models.checkpoint import load_network, save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use
from cryosegment.exchange.coordinates import JOINT, WRITTEN, read_coordinates
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import FORMATS, FrontEndParams, InputParams
from cryosegment.exchange.star import write_star

WIDTHS = {"widths": [8, 16], "normalization": "batch"}


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A small network with random weights: what it finds does not matter here."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "random.safetensors"
    card = ModelCard(
        "random", TrainedNetwork("compact", WIDTHS, HEADS), InputParams(10.0), Use(0.0)
    )
    save_checkpoint(path, build_network("compact", **WIDTHS), card)
    return path


@pytest.fixture
def folder(tmp_path):
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        image = random.normal(size=(120, 160)).astype(np.float32)
        mrcfile.write(tmp_path / f"{name}.mrc", image, voxel_size=2.0)
    return tmp_path


def pick(folder, model, *more, names=("a", "b")):
    micrographs = [str(folder / f"{name}.mrc") for name in names]
    options = ["--diameter", "40", "--gpu", "cpu", "--output", str(folder / "out")]
    options += ["--contaminated", "flag"]  # random weights find contamination anywhere
    return main(["pick", *micrographs, "--model", str(model), *options, *more])


def test_everything_that_can_be_asked_for(folder, model):
    more = [
        "--masks",
        "--mask-scale",
        "micrograph",
        "--maps",
        "--overlays",
        "--formats",
        ",".join(FORMATS),
    ]
    assert pick(folder, model, *more) == 0
    out = folder / "out"
    for path in (
        "coordinates/a.star",
        "candidates/a.star",
        "coordinates.star",
        "job.json",
        "overlays/a.png",
        "probability/a.mrc",
    ):
        assert (out / path).stat().st_size > 0, path
    picks = read_coordinates(out / "coordinates" / "a.star", 2.0)["a"]
    assert len(picks) > 0
    assert mrcfile.read(out / "instances" / "a.mrc").shape == (120, 160)
    everything = {name: out / name for name in WRITTEN}
    everything.update({name: out / joint.file for name, joint in JOINT.items()})
    for kind, path in {**everything, "star": out / "coordinates.star"}.items():
        found = read_coordinates(path, 2.0)
        assert set(found) == {"a", "b"}, kind
        written = {**WRITTEN, **JOINT}.get(kind)
        tolerance = 0.5 if getattr(written, "is_whole", False) else 2e-3
        np.testing.assert_allclose(found["a"].centers_yx, picks.centers_yx, atol=tolerance)
        for name in written.keeps if written else ("scores", "diameters"):
            expected = getattr(picks, name)
            np.testing.assert_allclose(getattr(found["a"], name), expected, atol=2e-3)


def test_a_broken_micrograph_is_listed_and_the_rest_go_on(folder, model, capsys):
    image = np.full((120, 160), np.nan, np.float32)
    with pytest.warns(RuntimeWarning, match="NaN"):
        mrcfile.write(folder / "nan.mrc", image, voxel_size=2.0)
    assert pick(folder, model, names=["nan", "missing", "b"]) == 3
    assert set(read_failures(folder / "out")) == {"nan", "missing"}
    told = capsys.readouterr()
    assert "2 of 3 micrographs failed" in told.err
    count = len(read_coordinates(folder / "out" / "coordinates" / "b.star", 2.0)["b"])
    made = re.escape(f"pick: 3 micrographs (pixel size 2 Å/px), {count} picks, 2 failed; ")
    assert re.fullmatch(
        rf"{made}[0-9.]+ s on CPU; results in {folder}/out", told.out.splitlines()[-1]
    )
    assert (folder / "out" / "coordinates" / "b.star").exists()
    assert not (folder / "out" / "coordinates" / "nan.star").exists()


def test_what_is_odd_about_the_files_is_told_once_of_each_kind(folder, model, caplog, capsys):
    image = mrcfile.read(folder / "a.mrc")
    for name in ("c", "d"):
        tifffile.imwrite(folder / f"{name}.tif", image)
    mrcfile.write(folder / "a.mrc", image, voxel_size=1.0, overwrite=True)
    micrographs = [str(folder / name) for name in ("a.mrc", "b.mrc", "c.tif", "d.tif")]
    options = ["--diameter", "24", "--output", str(folder / "out"), "--model", str(model)]
    assert main(["pick", *micrographs[:2], *options]) == 0
    assert [record.getMessage() for record in caplog.records] == [f"a: {DOUBTFUL_PIXEL_SIZE}"]
    assert "2 micrographs (pixel size 1 to 2 Å/px), " in capsys.readouterr().out
    caplog.clear()
    assert main(["pick", *micrographs, *options, "--pixel-size", "2"]) == 0
    assert [record.getMessage() for record in caplog.records] == [f"c: {MIRRORED}"]
    assert "4 micrographs (pixel size 2 Å/px), " in capsys.readouterr().out


def test_a_damaged_tiff_is_told_by_us_alone(folder, model, caplog, capsys):
    """Its reader would log it, too."""
    (folder / "a.tif").write_bytes(struct.pack("<2sHI", b"II", 42, 0) + bytes(100))
    options = ["--diameter", "40", "--output", str(folder / "out"), "--model", str(model)]
    assert main(["pick", str(folder / "a.tif"), *options]) == 1
    assert f"{folder}/a.tif holds no image" in capsys.readouterr().err
    assert caplog.records == []


def test_when_all_fail_the_status_is_1(folder, model, capsys):
    assert pick(folder, model, names=["missing"]) == 1
    assert "missing.mrc" in capsys.readouterr().err


def test_resume_skips_the_finished_and_retries_the_failed(folder, model):
    assert pick(folder, model, names=["a", "c"]) == 3
    finished = folder / "out" / "coordinates" / "a.star"
    before = finished.stat().st_mtime_ns
    (folder / "b.mrc").rename(folder / "c.mrc")
    assert pick(folder, model, "--resume", names=["a", "c"]) == 0
    assert finished.stat().st_mtime_ns == before
    assert (folder / "out" / "coordinates" / "c.star").exists()
    assert read_failures(folder / "out") == {}


def test_names_of_a_job_name_the_results(folder, model):
    pick(folder, model, names=["a"])
    path = folder / "out" / "job.json"
    job = {**json.loads(path.read_text()), "names": ["mic 7"], "output": str(folder / "named")}
    path.write_text(json.dumps(job))
    assert main(["run", str(path), "--gpu", "cpu"]) == 0
    assert (folder / "named" / "coordinates" / "mic 7.star").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--diameter", "4000"], "diameter"),
        (["--diameter", "1"], "diameter"),
        (["--gpu", "99"], "GPU 99 was asked for"),
        (["--model", "missing.safetensors"], "missing.safetensors does not exist"),
    ],
)
def test_bad_input_is_one_line(folder, model, more, message, capsys):
    assert pick(folder, model, *more, names=["a"]) == 1
    error = capsys.readouterr().err.splitlines()
    assert message in error[-1]
    assert all(line.startswith(("cryosegment: ", "1/1 ")) for line in error)


def test_models_of_another_kind(folder, model, tmp_path, capsys):
    other = tmp_path / "other.safetensors"
    save_file({"w": np.zeros(3)}, other)
    assert pick(folder, other) == 1
    assert "no model card" in capsys.readouterr().err
    (tmp_path / "torch.pt").write_bytes(b"PK\x03\x04")
    assert pick(folder, tmp_path / "torch.pt") == 1
    assert "expected a model as .safetensors" in capsys.readouterr().err


def test_a_model_that_needs_ctfs(folder, model, tmp_path, capsys):
    network, card = load_network(model)
    flipping = replace(card.input, front_end=FrontEndParams("ctf-flip"))
    needy = tmp_path / "needy.safetensors"
    save_checkpoint(needy, network, replace(card, input=flipping))
    assert pick(folder, needy) == 1
    assert "expected the CTF of a for the model's front end ctf-flip" in capsys.readouterr().err
    values = {"DefocusU": 9000.0, "DefocusV": 9000.0, "DefocusAngle": 0.0, "Voltage": 300.0}
    values |= {"SphericalAberration": 2.7, "AmplitudeContrast": 0.1}
    table = {"rlnMicrographName": ["x/a.mrc"], **{f"rln{k}": [v] for k, v in values.items()}}
    write_star(tmp_path / "ctf.star", {"micrographs": table})
    assert pick(folder, needy, "--ctf", str(tmp_path / "ctf.star"), "--maps") == 3
    assert set(read_failures(folder / "out")) == {"b"}
    flipped = mrcfile.read(folder / "out/probability/a.mrc")
    assert pick(folder, model, "--maps") == 0
    assert np.abs(flipped - mrcfile.read(folder / "out/probability/a.mrc")).max() > 0.01


def test_a_mistyped_run_leaves_what_is_there(folder, model, capsys):
    """So that the run it was meant to be still goes on."""
    assert pick(folder, model, names=["a"]) == 0
    before = (folder / "out" / "job.json").read_text()
    assert pick(folder, "typo.safetensors", names=["a"]) == 1
    assert (folder / "out" / "job.json").read_text() == before
    assert pick(folder, model, "--resume") == 0
    assert json.loads((folder / "out" / "job.json").read_text())["names"] == ["a", "b"]
    assert not pick(folder, model, "--masks")  # it is the job of the last run with results
    assert pick(folder, model, "--resume") == 1
    assert "masks was True there" in capsys.readouterr().err


def test_a_run_that_fails_at_once_leaves_no_folder(folder, model):
    assert pick(folder, "typo.safetensors") == 1
    assert not (folder / "out").exists()


def test_no_results_of_other_micrographs_are_left_beside_new_ones(folder, model, capsys):
    assert pick(folder, model) == 0
    assert pick(folder, model, names=["b"]) == 1
    assert "holds results of 1 other micrographs, such as a: give" in capsys.readouterr().err
    assert set(read_coordinates(folder / "out" / "coordinates.star", 2.0)) == {"a", "b"}
    (folder / "b.mrc").rename(folder / "c.mrc")
    assert pick(folder, model, "--resume", names=["c"]) == 0
    assert set(read_coordinates(folder / "out" / "coordinates.star", 2.0)) == {"a", "b", "c"}
    job = json.loads((folder / "out" / "job.json").read_text())
    assert job["names"] == ["a", "b", "c"]
    assert [path.rpartition("/")[2] for path in job["inputs"]] == ["a.mrc", "b.mrc", "c.mrc"]


def test_results_of_an_earlier_run_stay_where_all_fail(folder, model):
    assert pick(folder, model, names=["a"]) == 0
    before = (folder / "out" / "job.json").read_text()
    table = (folder / "out" / "coordinates.star").read_text()
    assert pick(folder, model, "--diameter", "4000", names=["a"]) == 1
    out = folder / "out"
    assert set(read_failures(out)) == {"a"}
    assert (out / "coordinates.star").read_text() == table
    assert (out / "job.json").read_text() == before
    assert pick(folder, model, "--resume", names=["a"]) == 0
    assert set(read_coordinates(out / "coordinates.star", 2.0)) == {"a"}
    assert read_failures(out) == {}


@pytest.mark.parametrize("inputs", ["", "?.mrc", "micrographs.star"])
def test_a_folder_a_pattern_or_a_list_names_the_micrographs(folder, model, inputs):
    listed = {"rlnMicrographName": ["a.mrc", "b.mrc"]}
    write_star(folder / "micrographs.star", {"micrographs": listed})
    options = ["--diameter", "40", "--model", str(model), "--output", str(folder / "out")]
    assert main(["pick", str(folder / inputs), *options]) == 0
    assert set(read_coordinates(folder / "out" / "coordinates", 2.0)) == {"a", "b"}
    job = json.loads((folder / "out" / "job.json").read_text())
    assert job["inputs"] == [str(folder / "a.mrc"), str(folder / "b.mrc")]
    job.update(inputs=[str(folder / inputs)], names=[], output=str(folder / "again"))
    (folder / "job.json").write_text(json.dumps(job))
    assert main(["run", str(folder / "job.json")]) == 0
    assert set(read_coordinates(folder / "again" / "coordinates", 2.0)) == {"a", "b"}


def test_a_diameter_that_hardly_fits_is_told_once(folder, model, caplog):
    assert pick(folder, model, "--pixel-size", "0.8") == 0
    expected = "a: 40 Å are 50 px of a micrograph of 120 x 160 px: check pixel size and diameter"
    assert [record.getMessage() for record in caplog.records] == [expected]


def test_no_torch_is_loaded_where_everything_is_finished(folder, model):
    """Which would take longer than the rest, and nothing changes."""
    assert pick(folder, model, "--masks") == 0
    before = {path: path.read_bytes() for path in (folder / "out").glob("*/*")}
    files = [str(folder / f"{name}.mrc") for name in ("a", "b")]
    words = ["pick", *files, "--model", str(model), "--output", str(folder / "out"), "--masks"]
    words += ["--diameter", "40", "--gpu", "cpu", "--contaminated", "flag", "--resume"]
    code = (
        "import sys; from cryosegment.cli.main import main; "
        f"assert main({words!r}) == 0; assert not {{'torch', 'scipy'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert {path: path.read_bytes() for path in (folder / "out").glob("*/*")} == before
