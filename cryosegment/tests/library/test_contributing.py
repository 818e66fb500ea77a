# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes that CONTRIBUTING.md shows: they can be applied, and what they add can be used."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from cryosegment.tests.imports import PACKAGE

DIFFS = re.compile(r"^### (.+?)$.*?^```diff$\n(.*?)^```$", re.M | re.S)
USES = {
    "A centre finder": """
import torch
from cryosegment.core.picking import ParticleMaps, find_particles
from cryosegment.exchange.params import SelectionParams
particle = torch.zeros(40, 50)
particle[21, 31] = 1
maps = ParticleMaps(particle, torch.zeros(40, 50), torch.ones(40, 50, dtype=torch.bool))
found = find_particles(maps, 4.0, SelectionParams("brightest"), floor=0.01)
assert found.centers_yx.tolist() == [[21, 31]]
""",
    "A network": """
from cryosegment.core.networks import build_network
assert build_network("plain")(torch.zeros(2, 1, 33, 47)).shape[-2:] == (33, 47)
""",
    "A loss": """
from cryosegment.core.parts import load_part
from cryosegment.exchange.params import TrainParams
from cryosegment.exchange.parts import LOSSES
loss = load_part(LOSSES[TrainParams(loss="brier").loss])
assert float(loss(torch.tensor([0.0, 0.0]), torch.tensor([0.0, 1.0]))) == 0.25
""",
    "A CRF solver": """
from cryosegment.core.crf import refine_logits
from cryosegment.exchange.params import CrfParams
noisy = torch.ones(6, 6)
noisy[3, 3] = -1
assert refine_logits(noisy, {}, CrfParams(solver="halfway"))[3, 3] > -1
""",
    "A coordinate format": """
from pathlib import Path
from cryosegment.exchange.coordinates import Coordinates, read_coordinates, write_coordinates_as
from cryosegment.exchange.params import PickParams
import numpy
picks = Coordinates(numpy.array([[7.0, 5.0]]), 1.0, "some")
assert PickParams(100.0, formats=("xy",))
write_coordinates_as(Path("some.xy"), picks, 10)
assert Path("some.xy").read_text() == "5.00 7.00\\n"
assert read_coordinates("some.xy", 1.0)["some"].centers_yx.tolist() == [[7, 5]]
""",
}
PROTOCOL = """
from pyworkflow.protocol import params
from cryosegment.protocols import CryoSegmentProtCheckLabels as Protocol
form = params.Form(Protocol())
Protocol()._defineParams(form)
assert form.getParam("model").default.get() == "general"
"""


@pytest.fixture(scope="module")
def diffs() -> dict:
    """The changes by what they add."""
    return dict(DIFFS.findall((PACKAGE.parent / "CONTRIBUTING.md").read_text("utf-8")))


@pytest.fixture
def copy(tmp_path: Path, diffs: dict) -> Path:
    """A copy of the package with all the changes."""
    ignored = shutil.ignore_patterns("tests", "*.safetensors", "__pycache__")
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=ignored)
    for diff in diffs.values():
        command = ["git", "apply", "-"]
        subprocess.run(command, cwd=tmp_path, input=diff, text=True, check=True)
    return tmp_path


def run(code: str, folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=True)


def test_no_change_touches_more_than_two_files(diffs: dict) -> None:
    assert set(diffs) == {*USES, "A protocol"}
    for diff in diffs.values():
        assert 1 <= diff.count("+++ b/cryosegment/") <= 2


@pytest.mark.slow
def test_parts_that_are_added_can_be_used(copy: Path) -> None:
    run("".join(USES.values()), copy)


@pytest.mark.slow
@pytest.mark.skipif(find_spec("pwem") is None, reason="no Scipion")
def test_a_protocol_that_is_added_has_a_form(copy: Path) -> None:
    run(PROTOCOL, copy)
