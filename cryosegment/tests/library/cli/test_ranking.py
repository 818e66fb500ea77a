# SPDX-License-Identifier: GPL-3.0-or-later
import csv
import html
import json
import re
import shlex

import mrcfile
import numpy as np
import pytest
import starfile
import torch

from cryosegment.cli.main import main
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import build_network
from cryosegment.core.particles.agreement import Band, agreements_with
from cryosegment.core.particles.classes import CLASSES, PARTICLE_HEADS
from cryosegment.core.particles.model import load_particle_model
from cryosegment.core.particles.right_poses import right_poses
from cryosegment.exchange.card import PARTICLE_IMAGES, ModelCard, TrainedNetwork
from cryosegment.exchange.ctf import COLUMNS
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.particles import Poses
from cryosegment.exchange.relion import ANGLES, SHIFT
from cryosegment.exchange.star import read_star, write_star

COUNT, SIDE = 6, 32


@pytest.fixture
def save(tmp_path):
    """Write a model of particle images that knows nothing, with some heads."""

    def saved(heads, name="model.safetensors"):
        arguments = {"widths": [8, 16], "deep_blocks": 0, "normalization": "batch"}
        network = TrainedNetwork("compact", arguments, heads)
        card = ModelCard("tiny", network, InputParams(24.0), task=PARTICLE_IMAGES)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            save_checkpoint(tmp_path / name, build_network("compact", heads, **arguments), card)
        return tmp_path / name

    return saved


@pytest.fixture
def model(save):
    return save(PARTICLE_HEADS)


@pytest.fixture
def images(tmp_path):
    """Images of noise in two stacks, and particles.star that names them in turns."""
    images = np.random.default_rng(0).normal(size=(COUNT, SIDE, SIDE)).astype(np.float32)
    for name, part in (("a", images[::2]), ("b", images[1::2])):
        mrcfile.write(tmp_path / f"{name}.mrcs", part)
    table = {
        "rlnImageName": [f"{i // 2 + 1:06d}@{'ab'[i % 2]}.mrcs" for i in range(COUNT)],
        "rlnMicrographName": [f"mics/{'ab'[i % 2]}.mrc" for i in range(COUNT)],
        "rlnOpticsGroup": [1] * COUNT,
        "rlnNobodyKnows": [f"{i}.50" for i in range(COUNT)],
    }
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [4.0]}
    write_star(tmp_path / "particles.star", {"optics": optics, "particles": table})
    return images


def rank(folder, model, *more, particles="particles.star"):
    options = ["--model", str(model), "--gpu", "cpu", "--threads", "1"]
    options += ["--particles", str(folder / particles), "--output", str(folder / "out")]
    return main(["rank", *options, *more])


def rows(folder):
    with (folder / "out" / "scores.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_scores_are_those_of_the_model_in_the_order_of_the_input(tmp_path, model, images, capsys):
    assert rank(tmp_path, model, "--diameter", "80", "--keep", "0.5") == 0
    maps = load_particle_model(model, "cpu").predict(torch.from_numpy(images), 4.0, 80.0)
    found = rows(tmp_path)
    np.testing.assert_allclose(
        [float(row["quality"]) for row in found], maps.quality.numpy(), atol=1e-3
    )
    assert [row["particle"][-6] for row in found] == list("ababab")
    best = np.argsort([-float(row["quality"]) for row in found])[:3]
    is_kept = np.isin(np.arange(COUNT), best)
    assert [bool(int(row["kept"])) for row in found] == is_kept.tolist()
    for name, chosen in (("kept", is_kept), ("dropped", ~is_kept)):
        tables = starfile.read(tmp_path / "out" / f"{name}.star", always_dict=True)
        assert tables["optics"]["rlnImagePixelSize"].tolist() == [4.0]
        particles = tables["particles"]
        assert particles["rlnNobodyKnows"].tolist() == (np.flatnonzero(chosen) + 0.5).tolist()
        for column, score in (("Quality", "quality"), ("ETS", "ets"), ("Centring", "centring")):
            expected = [float(row[score]) for row in np.array(found)[chosen]]
            np.testing.assert_allclose(particles[f"cryosegment{column}"], expected, atol=1e-3)
    said = capsys.readouterr().out
    assert "nothing that a refinement has found" in said
    assert "rank: 6 particles of 80 Å, 3 kept" in said


def test_the_page_says_how_to_choose_again(tmp_path, model, images):
    assert rank(tmp_path, model, "--diameter", "80", "--keep", "0.5") == 0
    page = (tmp_path / "out" / "report.html").read_text()
    data = json.loads(html.unescape(re.search('data-choice="(.*?)"', page)[1]))
    words = [*shlex.split(data["command"])[1:], "--threshold", "2", "--resume"]
    stamp = (tmp_path / "out" / "finished.csv").read_text()
    assert main(words) == 0
    assert (tmp_path / "out" / "finished.csv").read_text() == stamp  # nothing was scored
    assert [row["kept"] for row in rows(tmp_path)] == ["0"] * COUNT


def test_another_choice_takes_the_scores_that_are_there(tmp_path, model, images):
    assert rank(tmp_path, model, "--diameter", "80", "--keep", "0.5") == 0
    for name in "ab":
        (tmp_path / f"{name}.mrcs").touch()  # as new as before, by its size and time
    before = rows(tmp_path)
    assert rank(tmp_path, model, "--diameter", "80", "--score", "ets", "--keep", "1") == 0
    assert sum(int(row["kept"]) for row in rows(tmp_path)) == COUNT
    job = json.loads((tmp_path / "out" / "job.json").read_text())
    assert job["params"]["score"] == "ets"
    assert main(["run", str(tmp_path / "out" / "job.json"), "--resume"]) == 0
    assert [row["quality"] for row in rows(tmp_path)] == [row["quality"] for row in before]


def test_particles_of_a_lost_stack_are_dropped_and_said(tmp_path, model, images, capsys):
    (tmp_path / "b.mrcs").unlink()
    assert rank(tmp_path, model, "--diameter", "80", "--keep", "1") == 3
    assert list(read_failures(tmp_path / "out")) == ["b.mrcs"]
    assert "1 of 2 stacks failed" in capsys.readouterr().err
    assert [row["quality"] == "" for row in rows(tmp_path)] == [False, True] * 3
    dropped = starfile.read(tmp_path / "out" / "dropped.star")["particles"]
    assert dropped["cryosegmentQuality"].tolist() == [-999] * 3
    assert dropped["rlnNobodyKnows"].tolist() == [1.5, 3.5, 5.5]
    (tmp_path / "a.mrcs").unlink()
    assert rank(tmp_path, model, "--diameter", "80") == 1
    assert "all 2 stacks failed" in capsys.readouterr().err


def test_a_diameter_is_found_where_none_is_given(tmp_path, model, images, capsys):
    assert rank(tmp_path, model, "--keep", "0.5") == 0
    box = SIDE * 4.0
    said = capsys.readouterr().out
    assert any(f"of {share * box:.4g} Å" in said for share in (0.4, 0.5, 0.6, 0.7, 0.8))


def test_a_lost_stack_does_not_keep_the_diameter_from_being_found(tmp_path, model, images, capsys):
    (tmp_path / "a.mrcs").unlink()
    assert rank(tmp_path, model, "--keep", "0.5") == 3
    (tmp_path / "b.mrcs").unlink()
    capsys.readouterr()
    assert rank(tmp_path, model, "--keep", "0.5") == 1
    assert "a.mrcs" in capsys.readouterr().err


def test_dark_particles_are_turned(tmp_path, model, images):
    assert rank(tmp_path, model, "--diameter", "80", "--keep", "1") == 0
    bright = rows(tmp_path)
    for name in "ab":
        with mrcfile.open(tmp_path / f"{name}.mrcs", "r+") as file:
            file.data[:] = -file.data
    dark = ["--diameter", "80", "--keep", "1", "--contrast", "dark"]
    assert rank(tmp_path, model, *dark) == 0
    assert rows(tmp_path) == bright
    assert rank(tmp_path, model, *dark[:-2]) == 0
    assert rows(tmp_path) != bright


def test_a_model_without_quality_ranks_by_other_scores(tmp_path, save, images, capsys):
    plain = save(CLASSES)
    assert rank(tmp_path, plain) == 1
    assert "give --diameter" in capsys.readouterr().err
    assert rank(tmp_path, plain, "--diameter", "80") == 1
    assert "score quality, found none" in capsys.readouterr().err
    assert rank(tmp_path, plain, "--diameter", "80", "--score", "ets", "--keep", "0.5") == 0
    assert [row["quality"] for row in rows(tmp_path)] == [""] * COUNT


def test_particles_without_a_pixel_size(tmp_path, model, images, capsys):
    table = {"rlnImageName": ["000001@a.mrcs"], "rlnMicrographName": ["a.mrc"]}
    write_star(tmp_path / "old.star", {"": table})
    assert rank(tmp_path, model, particles="old.star") == 1
    assert "give --particle-pixel-size" in capsys.readouterr().err
    more = ["--diameter", "80", "--particle-pixel-size", "4", "--keep", "1"]
    assert rank(tmp_path, model, *more, particles="old.star") == 0
    assert len(rows(tmp_path)) == 1


def test_agreement_with_a_map_is_a_score_that_says_its_bias(tmp_path, model, images, capsys):
    """In the order of the input; without a map there is no such column."""
    assert rank(tmp_path, model, "--diameter", "80") == 0
    assert "nothing that a refinement has found" in capsys.readouterr().out
    assert rows(tmp_path)[0]["agreement"] == ""
    assert "Agreement" not in (tmp_path / "out" / "kept.star").read_text()
    random = np.random.default_rng(3)
    angles, shifts = random.uniform(0, 180, (COUNT, 3)), random.uniform(-8, 8, (COUNT, 2))
    ctf = (12000.0, 11000.0, 30.0, 300.0, 2.7, 0.1)
    tables = dict(read_star(tmp_path / "particles.star"))
    poses = dict(zip((*ANGLES, *SHIFT), np.hstack((angles, shifts)).T.tolist(), strict=True))
    ctfs = {name: [value] * COUNT for name, value in zip(COLUMNS, ctf, strict=True)}
    tables["particles"] = {**tables["particles"], **poses, **ctfs}
    write_star(tmp_path / "refined.star", tables)
    volume = random.normal(size=(24, 24, 24)).astype(np.float32)
    mrcfile.write(tmp_path / "map.mrc", volume, voxel_size=4.0)
    given = ["--map", str(tmp_path / "map.mrc"), "--aligned-to", "30", "--diameter", "80"]
    choice = ["--score", "agreement", "--keep", "0.5"]
    assert rank(tmp_path, model, *given, *choice, particles="refined.star") == 0
    assert "agrees with this map" in capsys.readouterr().out
    assert "agrees with this map" in (tmp_path / "out" / "report.html").read_text()
    known = Poses(angles, shifts, np.tile((*ctf, 0.0), (COUNT, 1)))
    own = agreements_with(tmp_path / "map.mrc", known, 80.0, Band(30.0, 15.0), ["cpu"])["cpu"]
    expected = own.of(images, 4.0, np.arange(COUNT))
    alone = load_particle_model(model, "cpu").predict(torch.from_numpy(images), 4.0, 80.0).quality
    quality = [float(row["quality"]) for row in rows(tmp_path)]
    np.testing.assert_allclose(quality, alone.numpy() * right_poses(expected), atol=1e-3)
    found = [float(row["agreement"]) for row in rows(tmp_path)]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    kept = starfile.read(tmp_path / "out" / "kept.star")["particles"]
    best = np.sort(np.argsort(-expected)[: COUNT // 2])
    np.testing.assert_allclose(kept["cryosegmentAgreement"], expected[best], atol=1e-4)
