# SPDX-License-Identifier: GPL-3.0-or-later
import json
import subprocess
import sys

import mrcfile
import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.micrograph_lists import read_failures


@pytest.fixture
def picks(tmp_path, tiny_model):
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        image = random.normal(size=(120, 160)).astype(np.float32)
        mrcfile.write(tmp_path / f"{name}.mrc", image, voxel_size=2.0)
    options = ["--diameter", "40", "--output", str(tmp_path / "picks"), "--gpu", "cpu"]
    options += ["--contaminated", "flag"]  # the network was not trained
    assert main(["pick", f"{tmp_path}/?.mrc", *options, "--model", str(tiny_model)]) == 0
    return tmp_path / "picks"


def repick(picks, *more, output="out"):
    return main(["repick", str(picks), "--output", str(picks.with_name(output)), *more])


def test_picks_by_number_and_again_in_turn(picks, capsys):
    assert repick(picks, "--number", "5", "--formats", "cbox") == 0
    assert ", 5 picks; " in capsys.readouterr().out.splitlines()[-1]
    out = picks.with_name("out")
    found = read_coordinates(out, 2.0)
    assert sum(map(len, found.values())) == 5
    candidates = read_coordinates(picks / "candidates", 2.0)
    scores = np.sort(np.concatenate([each.scores for each in candidates.values()]))[::-1]
    assert min(each.scores.min() for each in found.values()) == scores[4]
    for name, each in found.items():
        cbox = read_coordinates(out / "cbox" / f"{name}.cbox", 2.0)[name]
        np.testing.assert_allclose(cbox.centers_yx, each.centers_yx, atol=2e-3)
    assert main(["run", str(out / "job.json")]) == 0  # the same again in the same place
    assert read_coordinates(out, 2.0).keys() == found.keys()
    assert not (picks.with_name("again")).exists()
    assert repick(out, "--number", "3", output="again") == 0
    assert sum(map(len, read_coordinates(picks.with_name("again"), 2.0).values())) == 3
    assert not (picks.with_name("again") / "cbox").exists()


def test_no_torch_is_loaded(picks):
    """Which would take longer than the work."""
    arguments = ["repick", str(picks), "--output", str(picks.with_name("out")), "--number", "2"]
    code = (
        "import sys; from cryosegment.cli.main import main; "
        f"assert main({arguments!r}) == 0; assert not {{'torch', 'scipy'}} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (picks.with_name("out") / "coordinates.star").exists()


def test_a_damaged_list_of_candidates_is_told_and_the_rest_go_on(picks, capsys):
    (picks / "candidates" / "a.star").write_text("damaged")
    assert repick(picks, "--number", "4") == 3
    assert set(read_failures(picks.with_name("out"))) == {"a"}
    assert set(read_coordinates(picks.with_name("out"), 2.0)) == {"b"}
    assert "1 of 2 micrographs failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--edge", "0.1"], "distance from the edge of at least 0.5 diameters"),
        (["--min-distance", "0.2"], "distance between picks of at least 0.5 diameters"),
        (["--threshold", "0.5", "--number", "3"], "one of threshold, precision and number"),
        (["--precision", "0.9"], "model whose scores are probabilities"),
        (["--centers", "contour"], "pick with --maps"),
        (["--masks"], "from which masks are made"),
    ],
)
def test_what_the_candidates_do_not_allow(picks, more, message, capsys):
    assert repick(picks, *more) == 1
    assert message in capsys.readouterr().err


def test_what_is_no_picking_run(picks, tmp_path, capsys):
    for folder in (tmp_path, picks / "candidates"):
        assert repick(folder, output="nothing") == 1
        assert "job.json does not exist" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()
    assert main(["repick", str(picks), str(picks), "--output", str(tmp_path / "x")]) == 1
    assert "expected one folder" in capsys.readouterr().err
    job = json.loads((picks / "job.json").read_text())
    (picks / "job.json").write_text(json.dumps({**job, "names": ["a", "c"]}))
    assert repick(picks) == 1
    assert "names no micrograph b" in capsys.readouterr().err
