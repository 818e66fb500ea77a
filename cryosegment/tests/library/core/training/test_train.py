# SPDX-License-Identifier: GPL-3.0-or-later
import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from cryosegment.core.labels.labelled import read_labels
from cryosegment.core.models.checkpoint import fingerprint, load_network, save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.training.card import start_of
from cryosegment.core.training.data.completeness import labelled_share
from cryosegment.core.training.data.patches import PatchBatches
from cryosegment.core.training.data.split import split
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.core.training.train import train
from cryosegment.core.training.validation import best_f1
from cryosegment.exchange.card import ModelCard, TrainedNetwork, read_card
from cryosegment.exchange.errors import InputError, ModelError, ParameterError
from cryosegment.exchange.labels import PICKS
from cryosegment.exchange.params import FrontEndParams, InputParams, SelectionParams, TrainParams
from cryosegment.exchange.progress import no_progress
from cryosegment.exchange.training_history import kept_pictures

pytestmark = pytest.mark.slow

MakeLabels = Callable[..., Path]


@pytest.fixture
def params(tiny_model: Path) -> TrainParams:
    """Ten steps from a tiny model, on two micrographs of which one is for validation."""
    return TrainParams(start=str(tiny_model), epochs=1, batch=6, patch=48, learning_rate=3e-3)


def curve(output: Path) -> list[dict[str, str]]:
    """The rows of the history, without the time they took."""
    with output.with_suffix(".history.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


class Reports:
    """What training reports; raises when a step is done, where that is asked for."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.steps: list[int] = []

    def __call__(self, done: int, total: int, text: str) -> None:
        if text.startswith("step"):
            self.steps.append(int(text.split()[1].rstrip(",")))
            if self.stop in self.steps:
                raise KeyboardInterrupt


def test_a_model_with_its_card(
    make_labels: MakeLabels, params: TrainParams, tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "my.model.safetensors"
    reports = Reports()
    train([make_labels()], output, params, "cpu", reports)
    assert reports.steps == list(range(1, 11))
    card = read_card(output)
    assert card.name == "my.model"
    assert card.provenance.parent == fingerprint(tiny_model)
    assert card.provenance.label_source == "coordinates"
    assert card.provenance.license == "CC0-1.0"
    assert card.provenance.particle_diameters == (60.0, 60.0)
    assert card.provenance.training_data == ({"micrographs": 1, "validation": 1, "particles": 12},)
    assert card.provenance.training["steps"] == 10
    last = output.with_suffix(".history.csv").read_text().splitlines()[-1]
    assert card.provenance.training["seconds"] == round(float(last.split(",")[1]))
    assert card.provenance.training["seed"] == params.seed
    assert output.with_suffix(".examples.png").stat().st_size > 1000
    assert list(kept_pictures(output)) == list(range(1, 11))
    rows = curve(output)
    assert [row["step"] for row in rows] == [f"{step}.0" for step in range(11)]
    best = max(rows, key=lambda row: float(row["score"]))
    assert card.provenance.metrics[0]["value"] == pytest.approx(float(best["score"]), abs=1e-4)
    assert card.use.threshold == pytest.approx(float(best["threshold"]), abs=1e-3)
    network, _ = load_network(output)
    start, _ = load_network(tiny_model)
    assert not torch.equal(network.head.weight, start.head.weight)


def test_a_model_may_go_on_at_another_scale(
    make_labels: MakeLabels, params: TrainParams, tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "finer.safetensors"
    folder = make_labels()
    for given, found in ((0.0, read_card(tiny_model).input.pixels_per_diameter), (24.0, 24.0)):
        train([folder], output, replace(params, pixels_per_diameter=given), "cpu", no_progress)
        assert read_card(output).input.pixels_per_diameter == found
    with pytest.raises(ParameterError, match="at least 4 px"):
        replace(params, pixels_per_diameter=2.0)


def test_training_learns(make_labels: MakeLabels, params: TrainParams, tmp_path: Path) -> None:
    output = tmp_path / "model.safetensors"
    longer = replace(params, epochs=6, learning_rate=1e-2)
    train([make_labels()], output, longer, "cpu", no_progress)
    rows = curve(output)
    assert float(rows[0]["score"]) < 0.5
    assert read_card(output).provenance.metrics[0]["value"] > 0.9


def test_the_same_seed_gives_the_same_model(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    folder = make_labels()
    names = ("first", "second", "other")
    outputs = [tmp_path / f"{name}.safetensors" for name in names]
    for output, seed in zip(outputs, (1, 1, 2), strict=True):
        train([folder], output, replace(params, seed=seed), "cpu", no_progress)
    first, second, other = (load_file(output) for output in outputs)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert curve(outputs[0]) == curve(outputs[1])
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_an_interrupted_training_is_resumed(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    folder = make_labels()
    whole, broken = tmp_path / "whole.safetensors", tmp_path / "broken.safetensors"
    train([folder], whole, params, "cpu", no_progress)
    with pytest.raises(KeyboardInterrupt):
        train([folder], broken, params, "cpu", Reports(stop=4))
    assert not broken.exists()
    assert curve(broken) == curve(whole)[:5]
    reports = Reports()
    train([folder], broken, replace(params, resume=True), "cpu", reports)
    assert reports.steps == [5, 6, 7, 8, 9, 10]
    assert curve(broken) == curve(whole)
    one, other = load_file(whole), load_file(broken)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_resuming_what_has_finished_trains_no_more(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    folder, output = make_labels(), tmp_path / "model.safetensors"
    train([folder], output, params, "cpu", no_progress)
    before = load_file(output)
    output.unlink()
    reports = Reports()
    train([folder], output, replace(params, resume=True), "cpu", reports)
    assert not reports.steps
    assert all(torch.equal(load_file(output)[name], before[name]) for name in before)
    assert read_card(output).provenance.training["steps"] == 10


def test_resuming_with_other_labels(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    output = tmp_path / "model.safetensors"
    train([make_labels()], output, params, "cpu", no_progress)
    before, again = output.read_bytes(), replace(params, resume=True)
    for folder in (make_labels("others", edge=20.0), make_labels("labels", ring=0.3)):
        with pytest.raises(ModelError, match="found others"):
            train([folder], output, again, "cpu", no_progress)
    assert output.read_bytes() == before


def test_another_loss_makes_another_model(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    folder, rows = make_labels(), []
    for loss in ("bce+dice", "tversky"):
        output = tmp_path / f"{loss}.safetensors"
        train([folder], output, replace(params, loss=loss), "cpu", no_progress)
        assert read_card(output).provenance.training["loss"] == loss
        rows.append(curve(output)[-1])
    assert rows[0]["particle"] != rows[1]["particle"]


def test_partial_labels(make_labels: MakeLabels, params: TrainParams, tmp_path: Path) -> None:
    """Loss and F1 are those of the expected number, of which half is labelled."""
    folder, output = make_labels(), tmp_path / "model.safetensors"
    partial = replace(params, labels_are="partial", expected_particles=24.0)
    train([folder], output, partial, "cpu", no_progress)
    assert read_card(output).provenance.training["labelled_share"] == 0.5
    network, card = load_network(Path(params.start))
    images = read_labels([folder], card.input, no_progress)
    parts = split(images, partial.validation, partial.seed)
    first, second = curve(output)[:2]
    assert float(first["score"]) == pytest.approx(best_f1(network, parts.validation, 0.5).score)
    assert float(first["score"]) != pytest.approx(best_f1(network, parts.validation).score)
    image, targets = PatchBatches(parts.training, 48, range(6), partial.seed)(0)
    loss = PickingLoss(labelled_share=0.5)(network(image), targets)
    assert float(second["particle"]) == pytest.approx(float(loss["particle"].detach()), rel=1e-4)


def test_the_start_says_what_share_is_labelled(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    """By its picks on all labelled micrographs, those kept for validation among them.

    It is of an earlier version, and expects centres: it finds something untrained.
    """
    folder, output = make_labels(), tmp_path / "model.safetensors"
    start = tmp_path / "start.safetensors"
    arguments = {"widths": [8, 16], "deep_blocks": 0, "normalization": "group"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fresh = build_network("compact", **arguments)
    nn.init.zeros_(fresh.head.bias.detach()[4:8])  # of the centre, 2 x 2 pixels
    card = ModelCard("earlier", TrainedNetwork("compact", arguments, HEADS), InputParams(20.0))
    save_checkpoint(start, fresh, replace(card, input=InputParams(20.0, noise=None, clip=4.0)))
    partial = replace(params, start=str(start), labels_are="partial")
    train([folder], output, partial, "cpu", no_progress)
    network, card = load_network(start)
    images = read_labels([folder], card.input, no_progress)
    share = labelled_share(network, images, None)
    assert 0 < share < 1
    assert read_card(output).provenance.training["labelled_share"] == pytest.approx(share, abs=1e-3)


def test_a_round_on_picks(make_labels: MakeLabels, params: TrainParams, tmp_path: Path) -> None:
    """Picks of other micrographs are trained on, and the model is no worse for it."""
    folders = [make_labels(), make_labels("picks", count=3, source=PICKS)]
    output = tmp_path / "model.safetensors"
    train(folders, output, replace(params, learning_rate=1.0), "cpu", no_progress)
    card = read_card(output)
    assert card.provenance.label_source == "coordinates, picks"
    assert card.provenance.training_data == ({"micrographs": 4, "validation": 1, "particles": 48},)
    scores = [float(row["score"]) for row in curve(output)]
    assert card.provenance.metrics[0]["value"] == pytest.approx(max(scores), abs=1e-4)


@pytest.mark.parametrize("expected", [None, 80.0])
def test_picks_alone_teach_nothing(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path, expected: float | None
) -> None:
    partial = replace(params, labels_are="partial", expected_particles=expected)
    with pytest.raises(InputError, match="found picks alone"):
        train([make_labels(source=PICKS)], tmp_path / "m.safetensors", partial, "cpu", no_progress)


def test_a_way_of_picking_is_that_of_the_parent_alone(
    make_labels: MakeLabels, params: TrainParams, tiny_model: Path, tmp_path: Path
) -> None:
    network, card = load_network(tiny_model)
    tuned, output = tmp_path / "tuned.safetensors", tmp_path / "model.safetensors"
    save_checkpoint(
        tuned,
        network,
        replace(card, use=replace(card.use, selection=SelectionParams(min_distance=0.9))),
    )
    train([make_labels()], output, replace(params, start=str(tuned)), "cpu", no_progress)
    assert read_card(output).use.selection == SelectionParams()


def test_training_again_starts_again(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    folder, output = make_labels(), tmp_path / "model.safetensors"
    for _ in range(2):
        reports = Reports()
        train([folder], output, params, "cpu", reports)
        assert reports.steps[0] == 1


@pytest.mark.parametrize(
    ("count", "validation", "expected"),
    [(1, 0.2, (1, 0)), (3, 0.2, (2, 1)), (3, 0.67, (1, 2)), (2, 0.9, (1, 1)), (3, 0.0, (3, 0))],
)
def test_micrographs_for_training_and_validation(
    make_labels: MakeLabels,
    params: TrainParams,
    tmp_path: Path,
    count: int,
    validation: float,
    expected: tuple[int, int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    output = tmp_path / "model.safetensors"
    short = replace(params, epochs=None, minutes=0.01, validation=validation)
    train([make_labels(count=count)], output, short, "cpu", no_progress)
    card = read_card(output)
    data = card.provenance.training_data[0]
    assert (data["micrographs"], data["validation"]) == expected
    scored = "validation micrographs" if expected[1] else "training micrographs"
    assert card.provenance.metrics[0]["data"] == scored
    assert ("flatters the model" in caplog.text) == (expected[1] == 0)


def test_from_scratch(make_labels: MakeLabels, tmp_path: Path) -> None:
    output = tmp_path / "model.safetensors"
    params = TrainParams(epochs=1, batch=64, patch=48, pixels_per_diameter=16.0)
    train([make_labels(count=1)], output, params, "cpu", no_progress)
    network, card = load_network(output)
    assert (card.network.architecture, card.provenance.parent, card.input.pixels_per_diameter) == (
        "compact",
        "",
        16.0,
    )
    assert sum(weight.numel() for weight in network.parameters()) > 4e6


def test_first_weights_depend_on_the_seed_alone() -> None:
    before = torch.get_rng_state()
    first, _ = start_of(TrainParams(seed=3))
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    second, _ = start_of(TrainParams(seed=3))
    other, _ = start_of(TrainParams(seed=4))
    assert torch.equal(first.head.weight, second.head.weight)
    assert not torch.equal(first.head.weight, other.head.weight)


def test_a_model_of_another_kind(
    make_labels: MakeLabels, params: TrainParams, tiny_model: Path, tmp_path: Path
) -> None:
    network, card = load_network(tiny_model)
    other = tmp_path / "screen.safetensors"
    save_checkpoint(
        other, network, replace(card, network=replace(card.network, heads=("good", "bad")))
    )
    wrong = replace(params, start=str(other))
    with pytest.raises(ModelError, match="expected a model for picking with the heads"):
        train([make_labels()], tmp_path / "model.safetensors", wrong, "cpu", no_progress)


def test_labels_that_are_missing(params: TrainParams, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.json"):
        train([tmp_path], tmp_path / "model.safetensors", params, "cpu", no_progress)


def test_a_place_that_cannot_be_written(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    reports = Reports()
    with pytest.raises(InputError, match="cannot write"):
        train([make_labels()], tmp_path / "file" / "m.safetensors", params, "cpu", reports)
    assert not reports.steps


def test_the_front_end_is_the_models_unless_another_is_chosen(
    make_labels: MakeLabels, params: TrainParams, tmp_path: Path
) -> None:
    folder, first = make_labels(), tmp_path / "first.safetensors"
    short = replace(params, batch=64)
    train([folder], first, replace(short, front_end="low-pass", low_pass=15.0), "cpu", no_progress)
    assert read_card(first).input.front_end == FrontEndParams("low-pass", 15.0)
    second = tmp_path / "second.safetensors"
    for chosen, expected in (
        ("auto", read_card(first).input.front_end),
        ("none", FrontEndParams()),
    ):
        train(
            [folder], second, replace(short, start=str(first), front_end=chosen), "cpu", no_progress
        )
        assert read_card(second).input.front_end == expected


def test_a_network_of_the_zoo_is_in_the_card() -> None:
    network, card = start_of(TrainParams(network="multi-atrous", branches=2))
    assert card.network.architecture == "multi-atrous"
    assert card.network.arguments == {"branches": 2, "normalization": "batch"}
    assert network.head.weight.shape[1] == 2 * 256
