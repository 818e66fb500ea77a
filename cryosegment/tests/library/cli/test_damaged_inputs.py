# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an input holds, a command ends with an exit status, in one line, in its output alone."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import torch
from hypothesis import given, settings

from cryosegment.cli.main import main
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, Heads, build_network
from cryosegment.core.particles.classes import PARTICLE_HEADS
from cryosegment.exchange.card import PARTICLE_IMAGES, PICKING, SCREENING, ModelCard, TrainedNetwork
from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.screening import KINDS
from cryosegment.exchange.star import write_star
from cryosegment.tests.damage import EXAMPLES, MANY, content_of, damaged
from cryosegment.tests.molecules import PDB, mmcif

SHAPE, PIXEL_SIZE = (96, 120), 2.0
NAMES = ("a", "b")
ANGLES = ("Rot", "Tilt", "Psi")
CPU = ["--gpu", "cpu", "--threads", "1"]
SIZES = ["--diameter", "40", "--pixel-size", "2"]
SCREENS = [*SIZES, *CPU, "--picker", "none"]
BODY = ["--map", "body.mrc"]
RECONSTRUCTION = ["labels", "reconstruction", "a.mrc", "b.mrc", "--pixel-size", "2"]
SIMULATION = ["simulate", "--count", "1", "--size", "96", "120", "--pixel-size", "4", *CPU]
SIMULATION += ["--particles", "2", "--molecule"]
COMMANDS: dict[str, tuple[str, list[str]]] = {
    "evaluate": ("joint.star", ["evaluate", "--picks", "@", "--reference", "true.star", *SIZES]),
    "evaluate against": (
        "joint.star",
        ["evaluate", "--reference", "@", "--picks", "true.star", *SIZES],
    ),
    "evaluate csv": ("a.csv", ["evaluate", "--picks", "@", "--reference", "true.star", *SIZES]),
    "consensus": ("joint.star", ["consensus", "true.star", "@", *SIZES]),
    "report": ("joint.star", ["report", "true.star", "@", *SIZES]),
    "labels coordinates": (
        "joint.star",
        ["labels", "coordinates", "a.mrc", "b.mrc", "--coordinates", "@", *SIZES],
    ),
    "screen": (
        "joint.star",
        ["screen", "apply", "a.mrc", "b.mrc", "--picks", "@", "--model", "boxes.model", *SCREENS],
    ),
    "pick": ("a.mrc", ["pick", "a.mrc", "b.mrc", "--model", "picks.model", *SIZES, *CPU]),
    "pick by model": ("picks.model", ["pick", "b.mrc", "--model", "@", *SIZES, *CPU]),
    "repick": ("picks/candidates/a.star", ["repick", "picks", "--threshold", "0.1"]),
    "repick job": ("picks/job.json", ["repick", "picks", "--threshold", "0.1"]),
    "repick list": ("picks/micrographs.csv", ["repick", "picks", "--number", "3"]),
    "repick masks": ("picks/segmentations/a.npz", ["repick", "picks", "--masks"]),
    "card": ("picks.model", ["card", "@"]),
    "run": ("picks/job.json", ["run", "@"]),
}
"""The file that is damaged, and the words of the command, in which it is @."""
SLOW: dict[str, tuple[str, list[str]]] = {
    "rank": ("particles.star", ["rank", "--particles", "@", "--model", "images.model", *CPU]),
    "rank images": (
        "a.mrcs",
        ["rank", "--particles", "particles.star", "--model", "images.model", *CPU],
    ),
    "rank csparc": (
        "particles.cs",
        ["rank", "--particles", "@", "--model", "images.model", *CPU],
    ),
    "labels reconstruction": ("refined.star", [*RECONSTRUCTION, "--particles", "@", *BODY]),
    "labels map": ("body.mrc", [*RECONSTRUCTION, "--particles", "refined.star", *BODY]),
    "labels project": ("refined.star", ["labels", "project", "--particles", "@", *BODY]),
    "simulate pdb": ("a.pdb", [*SIMULATION, "@"]),
    "simulate mmcif": ("a.cif", [*SIMULATION, "@"]),
    "simulate map": ("body.mrc", [*SIMULATION, "@"]),
    "labels check": ("labels/labels.json", ["labels", "check", "labels", *CPU]),
    "labels maps": ("labels/instances/a.mrc", ["labels", "check", "labels", *CPU]),
}
"""Commands that take seconds, for long runs alone."""


def save_model(path: Path, name: str, heads: tuple[str, ...], task: str) -> None:
    arguments: dict[str, Any] = {"widths": [8, 16], "deep_blocks": 0}
    torch.manual_seed(0)
    network = build_network(name, Heads(heads), **arguments)
    size = {"tile_size": 64, "halo": 0} if task == SCREENING else {}
    facts = TrainedNetwork(name, arguments, heads, **size)
    save_checkpoint(path, network.eval(), ModelCard("tiny", facts, InputParams(20.0), task=task))


def write_micrographs(folder: Path) -> None:
    random = np.random.default_rng(0)
    for name in NAMES:
        image = random.normal(size=SHAPE).astype(np.float32)
        mrcfile.write(folder / f"{name}.mrc", image, voxel_size=PIXEL_SIZE)
        images = random.normal(size=(4, 32, 32)).astype(np.float32)
        mrcfile.write(folder / f"{name}.mrcs", images, voxel_size=4.0)
    centers = {name: random.uniform(20, 76, (5, 2)) for name in NAMES}
    columns = {
        "rlnMicrographName": [f"mics/{name}.mrc" for name in NAMES for _ in centers[name]],
        "rlnCoordinateX": [float(x) for name in NAMES for _, x in centers[name]],
        "rlnCoordinateY": [float(y) for name in NAMES for y, _ in centers[name]],
        "rlnAutopickFigureOfMerit": random.uniform(size=10).tolist(),
    }
    write_star(folder / "joint.star", {"": columns})
    write_star(folder / "true.star", {"": columns})
    write_coordinates(folder / "a.star", Coordinates(centers["a"], PIXEL_SIZE, "a"))
    rows = "".join(f"a,{x:.1f},{y:.1f},0.5\n" for y, x in centers["a"])
    (folder / "a.csv").write_text("micrograph,x,y,score\n" + rows)
    particles = {
        "rlnImageName": [f"{i // 2 + 1:06d}@{NAMES[i % 2]}.mrcs" for i in range(6)],
        "rlnMicrographName": [f"mics/{NAMES[i % 2]}.mrc" for i in range(6)],
        "rlnOpticsGroup": [1] * 6,
    }
    optics = {"rlnOpticsGroup": [1], "rlnImagePixelSize": [4.0]}
    write_star(folder / "particles.star", {"optics": optics, "particles": particles})
    count = len(columns["rlnMicrographName"])
    poses = {f"rlnAngle{name}": random.uniform(0, 180, count).tolist() for name in ANGLES}
    refined = {**columns, **poses, "rlnOpticsGroup": [1] * count}
    refined["rlnImageName"] = [f"{i % 4 + 1:06d}@{NAMES[i % 2]}.mrcs" for i in range(count)]
    write_star(folder / "refined.star", {"optics": optics, "particles": refined})
    write_cs(folder / "particles.cs")
    z, y, x = np.indices((16, 16, 16)) - 8
    body = np.exp(-(x**2 + 2 * y**2 + 3 * z**2) / 20).astype(np.float32)
    mrcfile.write(folder / "body.mrc", body, voxel_size=4.0)
    (folder / "a.pdb").write_text(PDB)
    (folder / "a.cif").write_text(mmcif())


def write_cs(path: Path) -> None:
    """Particle images of CryoSPARC."""
    kinds = [("uid", "<u8"), ("blob/path", "S6"), ("blob/idx", "<u4"), ("blob/shape", "<u4", (2,))]
    table = np.zeros(6, [*kinds, ("blob/psize_A", "<f4"), ("blob/sign", "<f4")])
    table["uid"] = 2**40 + np.arange(6)
    table["blob/path"] = [f"{NAMES[i % 2]}.mrcs".encode() for i in range(6)]
    table["blob/idx"], table["blob/shape"] = np.arange(6) // 2, 32
    table["blob/psize_A"], table["blob/sign"] = 4.0, 1.0
    with path.open("wb") as stream:
        np.save(stream, table)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with inputs of all commands, in which these run."""
    folder = tmp_path_factory.mktemp("project") / "deep" / "inside"
    folder.mkdir(parents=True)
    before = Path.cwd()
    os.chdir(folder)
    write_micrographs(folder)
    save_model(folder / "picks.model.safetensors", "compact", HEADS, PICKING)
    save_model(folder / "images.model.safetensors", "compact", PARTICLE_HEADS, PARTICLE_IMAGES)
    save_model(folder / "boxes.model.safetensors", "box-classifier", KINDS, SCREENING)
    for file in folder.glob("*.model.safetensors"):
        file.rename(file.with_suffix(""))
    words = ["--model", "picks.model", *SIZES, *CPU, "--masks", "--contaminated", "flag"]
    assert main(["pick", "a.mrc", "b.mrc", *words, "--output", "picks"]) == 0
    words = ["--coordinates", "true.star", *SIZES, "--output", "labels"]
    assert main(["labels", "coordinates", "a.mrc", "b.mrc", *words]) == 0
    yield folder
    os.chdir(before)


def state(folder: Path, output: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file of the project, but for the output."""
    found = {}
    for path in folder.parents[1].rglob("*"):
        if output not in (path, *path.parents) and not path.is_dir():
            found[str(path)] = (path.stat().st_size, path.stat().st_mtime_ns)
    return found


def whole_of(path: Path) -> Any:
    """A file in the form in which it can be damaged best."""
    if path.suffix == ".json":
        return json.loads(path.read_text())
    if path.suffix == ".cs":
        return np.load(path)
    is_text = path.suffix in (".star", ".csv", ".pdb", ".cif")
    return path.read_text() if is_text else path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*COMMANDS, *(SLOW if MANY else ())])
def test_damaged_inputs(folder: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    file, words = {**COMMANDS, **SLOW}[name]
    examples = settings(EXAMPLES, max_examples=MANY or 6)
    path, numbers = folder / file, itertools.count()
    kept = path.read_bytes()
    words = [file if word == "@" else word for word in words]

    def check(content: bytes) -> None:
        output = folder / f"output_{next(numbers)}"
        own = [] if words[0] in ("card", "run") else ["--output", str(output)]
        if words[0] == "run":
            content = _with_output(content, output)
        path.write_bytes(content)
        before = state(folder, output)
        status = main([*words, *own])
        said = capfd.readouterr().err
        assert status in (0, 1, 3)
        assert state(folder, output) == before
        if status == 1:
            errors = [line for line in said.splitlines() if line.startswith("cryosegment: ")]
            assert len(errors) == 1
        shutil.rmtree(output, ignore_errors=True)

    try:
        examples(given(damaged(whole_of(path)))(check))()
    finally:
        path.write_bytes(kept)


def _with_output(content: bytes, output: Path) -> bytes:
    """A job that writes where it should, if it is one."""
    try:
        job = json.loads(content)
    except ValueError:
        return content
    return content_of({**job, "output": str(output)}) if isinstance(job, dict) else content
