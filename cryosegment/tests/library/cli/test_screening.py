# SPDX-License-Identifier: GPL-3.0-or-later
import mrcfile
import numpy as np
import pytest
import torch

from cryosegment.cli.main import main
from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.working import working_image
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.models.inference import predict_maps
from cryosegment.core.models.model import load_model
from cryosegment.core.networks import HEADS, Heads, build_network
from cryosegment.core.picking.centers import score_places
from cryosegment.exchange.card import SCREENING, ModelCard, TrainedNetwork, read_card
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.csv_rows import read_rows
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.params import InputParams
from cryosegment.exchange.screening import KINDS
from cryosegment.exchange.star import read_star, write_star

SIDE, DIAMETER, PIXEL_SIZE = 256, 40.0, 2.0
"""Micrographs of discs 20 px wide (particles) and 8 px wide (no particles)."""
NAMES = ("a", "b", "c")
OPTIONS = ["--diameter", str(DIAMETER), "--gpu", "cpu", "--picker", "none"]


def draw(random):
    """A micrograph, the centres of its large discs and those of the small ones: y, x."""
    grid = np.stack(np.meshgrid(*2 * [np.arange(24, SIDE - 20, 42)]), -1).reshape(-1, 2)
    places = random.permutation(grid + random.integers(-4, 5, grid.shape))
    image = random.normal(size=(SIDE, SIDE))
    good, bad = places[:20], places[20:32]
    pixels = np.stack(np.indices((SIDE, SIDE)), -1)
    for radius, centers in ((10, good), (4, bad)):
        for center in centers:
            image -= 3 * (np.linalg.norm(pixels - center, axis=-1) < radius)
    return image.astype(np.float32), good, bad


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Micrographs, picks of large and small discs with columns of others, and a fresh model."""
    path, random = tmp_path_factory.mktemp("screening"), np.random.default_rng(0)
    (path / "mics").mkdir()
    for name in NAMES:
        image, good, bad = draw(random)
        mrcfile.write(path / "mics" / f"{name}.mrc", image, voxel_size=PIXEL_SIZE)
        for kind, places in (("truth", good), ("picks", np.concatenate((good, bad)))):
            columns = {
                "rlnCoordinateX": places[:, 1].tolist(),
                "rlnCoordinateY": places[:, 0].tolist(),
                "rlnComment": [f"pick {i}" for i in range(len(places))],
                "rlnAutopickFigureOfMerit": random.normal(size=len(places)).tolist(),
            }
            write_star(path / kind / f"{name}.star", {"": columns})
    torch.manual_seed(0)
    arguments = {"widths": [8, 16, 32], "deep_blocks": 0}
    network = build_network("box-classifier", Heads(KINDS), **arguments)
    with torch.no_grad():  # the statistics of its normalisations are those of noise
        for _ in range(30):
            network(torch.randn(32, 1, 64, 64))
    facts = TrainedNetwork("box-classifier", arguments, KINDS, tile_size=64, halo=0)
    card = ModelCard("fresh", facts, InputParams(20.0), task=SCREENING)
    save_checkpoint(path / "fresh.safetensors", network, card)
    return path


@pytest.fixture(scope="module")
def model(folder):
    """A model trained on two of the micrographs, and validated on one of these."""
    mics = [str(folder / "mics" / f"{name}.mrc") for name in NAMES[:2]]
    labels, output = str(folder / "labels"), folder / "mine.safetensors"
    own = ["--diameter", str(DIAMETER), "--coordinates", str(folder / "truth"), "--output", labels]
    assert main(["labels", "coordinates", *mics, *own]) == 0
    train = ["--picks", str(folder / "picks"), "--steps", "40", "--learning-rate", "0.01"]
    train += ["--from", str(folder / "fresh.safetensors"), "--gpu", "cpu", "--batch", "64"]
    assert main(["screen", "train", labels, "--output", str(output), *train]) == 0
    return output


def apply(folder, model, output, *more, names=NAMES, picks="picks"):
    mics = [str(folder / "mics" / f"{name}.mrc") for name in names]
    options = [*OPTIONS, "--picks", str(folder / picks), "--model", str(model)]
    return main(["screen", "apply", *mics, *options, "--output", str(output), *more])


@pytest.mark.slow
def test_a_trained_model_keeps_particles(folder, model, tmp_path, capsys):
    card = read_card(model)
    assert (card.task, card.network.heads) == (SCREENING, KINDS)
    assert card.provenance.metrics[0]["value"] > 0.9
    assert card.use.calibration is not None
    assert apply(folder, model, tmp_path / "out", "--threshold", "0.6") == 0
    line = capsys.readouterr().out.splitlines()[-1]
    kept = read_coordinates(tmp_path / "out", PIXEL_SIZE)
    truth = read_coordinates(folder / "truth", PIXEL_SIZE)
    total = sum(map(len, kept.values()))
    assert f"3 micrographs, 96 picks, {total} kept" in line
    found = {tuple(c) for c in kept["c"].centers_yx}  # the micrograph that training never saw
    right = {tuple(c) for c in truth["c"].centers_yx}
    assert len(found & right) >= 17
    assert len(found - right) <= 3


@pytest.mark.slow
def test_every_column_stays_and_every_pick_is_somewhere(folder, model, tmp_path):
    assert apply(folder, model, tmp_path, "--threshold", "0.5") == 0
    titles, *table = read_rows(tmp_path / "screening.csv")
    counts = {row[0]: dict(zip(titles, row)) for row in table}
    for name in NAMES:
        given = read_star(folder / "picks" / f"{name}.star")[""]
        parts = [
            read_star(tmp_path / kind / f"{name}.star")[""] for kind in ("coordinates", "dropped")
        ]
        comments = [text for part in parts for text in part["rlnComment"]]
        assert sorted(comments) == sorted(given["rlnComment"])
        for part, is_kept in zip(parts, (True, False)):
            for text, score, x, probability, box in zip(
                *(part[column] for column in ("rlnComment", "rlnAutopickFigureOfMerit")),
                *(part[column] for column in ("rlnCoordinateX", "cryosegmentProbability")),
                part["cryosegmentScreening"],
            ):
                row = given["rlnComment"].index(text)
                assert score == given["rlnAutopickFigureOfMerit"][row]
                assert x == given["rlnCoordinateX"][row]
                assert (float(probability) >= 0.5) == is_kept
                assert 0 <= float(box) <= 1
        row = {key: int(value) for key, value in counts[name].items() if key != "micrograph"}
        assert row["kept"] == len(parts[0]["rlnComment"])
        assert row["picks"] == 32 == sum(row[kind] for kind in KINDS)


def test_resume_and_failures(folder, tmp_path, capsys):
    broken = tmp_path / "broken.mrc"
    broken.write_bytes(b"no micrograph")
    model, out = folder / "fresh.safetensors", tmp_path / "out"
    options = [*OPTIONS, "--picks", str(folder / "picks"), "--model", str(model)]
    mics = [str(folder / "mics" / "a.mrc"), str(broken)]
    assert main(["screen", "apply", *mics, *options, "--output", str(out)]) == 3
    assert list(read_failures(out)) == ["broken"]
    made = (out / "screened" / "a.star").stat().st_mtime_ns
    mics = [mics[0], str(folder / "mics" / "b.mrc")]
    more = ["--output", str(out), "--resume"]
    assert main(["screen", "apply", *mics, *options, *more, "--contrast", "dark"]) == 1
    assert "--contrast was auto there" in capsys.readouterr().err
    assert main(["screen", "apply", *mics, *options, *more]) == 3  # broken is still there
    assert (out / "screened" / "a.star").stat().st_mtime_ns == made
    assert set(read_coordinates(out / "coordinates.star", 1.0)) >= {"a"}
    assert len(read_star(out / "screened" / "b.star")[""]["rlnComment"]) == 32
    for threshold, kept in (("1", 0), ("0", 32)):  # chosen again without the networks
        assert main(["screen", "apply", *mics, *options, *more, "--threshold", threshold]) == 3
        assert len(read_star(out / "coordinates" / "a.star")[""]["rlnComment"]) == kept
        assert (out / "screened" / "a.star").stat().st_mtime_ns == made


def test_a_picking_model_has_its_say(folder, tmp_path):
    torch.manual_seed(0)
    arguments, path = {"widths": [8, 16]}, tmp_path / "picker.safetensors"
    network = build_network("compact", **arguments).eval()
    facts = TrainedNetwork("compact", arguments, HEADS)
    save_checkpoint(path, network, ModelCard("picker", facts, InputParams(10.0)))
    model, out = folder / "fresh.safetensors", tmp_path / "out"
    assert apply(folder, model, out, "--picker", str(path), names=("a",)) == 0
    block = read_star(out / "screened" / "a.star")[""]
    found = np.array(block["cryosegmentPicking"], float)
    assert "cryosegmentPicking" in read_star(out / "coordinates" / "a.star")[""]
    # as picking would score these places, at the scale of its own model
    micrograph = read_micrograph(folder / "mics" / "a.mrc", None, "a")
    working = working_image(micrograph, DIAMETER, InputParams(10.0))
    maps = predict_maps(load_model(path, "cpu").network, working.image, working.valid)
    places = read_coordinates(folder / "picks", PIXEL_SIZE)["a"].centers_yx / 2
    expected = score_places(maps, torch.from_numpy(places).float(), 10.0)
    assert found == pytest.approx(expected.numpy(), abs=0.02)
    assert found.std() > 0.001


def test_other_formats_get_what_is_known(folder, tmp_path):
    (tmp_path / "picks").mkdir()
    (tmp_path / "picks" / "a.box").write_text("90 60 20 20\n10 20 20 20\n")
    options = ["--picks", str(tmp_path / "picks"), "--model", str(folder / "fresh.safetensors")]
    micrograph = str(folder / "mics" / "a.mrc")
    output = ["--output", str(tmp_path / "out"), "--threshold", "0"]
    assert main(["screen", "apply", micrograph, *OPTIONS, *options, *output]) == 0
    found = read_coordinates(tmp_path / "out", 1.0)["a"]
    assert (
        found.centers_yx.tolist()
        == read_coordinates(tmp_path / "picks", 1.0)["a"].centers_yx.tolist()
    )


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--threshold", "high"], "expected threshold to be auto or a number, got 'high'"),
        (["--threshold", "1.5"], "expected threshold to be at least 0 and at most 1"),
        (["--model", "general"], "expected a model for screening, found general"),
        (["--diameter", "4000"], "more than its 256 x 256 px"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, tmp_path, capsys, more, expected):
    assert apply(folder, folder / "fresh.safetensors", tmp_path / "out", *more) == 1
    *_, error = capsys.readouterr().err.splitlines()
    assert error.startswith("cryosegment: ")
    assert expected in error


def test_picks_of_other_micrographs(folder, tmp_path, capsys):
    write_star(tmp_path / "z.star", {"": {"rlnCoordinateX": [1.0], "rlnCoordinateY": [1.0]}})
    model = folder / "fresh.safetensors"
    assert apply(folder, model, tmp_path / "out", picks=tmp_path / "z.star") == 1
    assert "found those of z" in capsys.readouterr().err
    far = {"rlnCoordinateX": [900.0], "rlnCoordinateY": [1.0]}
    write_star(tmp_path / "a.star", {"": far})
    assert apply(folder, model, tmp_path / "out", names=("a",), picks=tmp_path / "a.star") == 1
    assert "lies outside a, which has 256 x 256 px" in capsys.readouterr().err


def test_picks_may_count_rows_from_the_last(folder, tmp_path):
    picks = dict(read_star(folder / "picks" / "a.star")[""])
    first = {"rlnAnglePsi": [30.0] * len(picks["rlnComment"])}
    last = {
        "rlnCoordinateY": [SIDE - 1 - float(y) for y in picks["rlnCoordinateY"]],
        "rlnAnglePsi": [-30.0] * len(picks["rlnComment"]),
    }
    write_star(tmp_path / "first" / "a.star", {"": {**picks, **first}})
    write_star(tmp_path / "last" / "a.star", {"": {**picks, **last}})
    for counted, more in (("first", []), ("last", ["--y-up"])):
        options = {"names": NAMES[:1], "picks": tmp_path / counted}
        output = tmp_path / f"from_{counted}"
        more = [*more, "--threshold", "0.5"]
        assert apply(folder, folder / "fresh.safetensors", output, *more, **options) == 0
    for kind in ("screened", "coordinates", "dropped"):
        down, up = (
            read_star(tmp_path / to / kind / "a.star")[""] for to in ("from_first", "from_last")
        )
        assert set(up) == set(down)
        for column in up:
            if column == "rlnComment":
                assert list(up[column]) == list(down[column])
            else:
                np.testing.assert_allclose(np.float64(up[column]), np.float64(down[column]))
