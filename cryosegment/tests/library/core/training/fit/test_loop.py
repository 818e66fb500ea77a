# SPDX-License-Identifier: GPL-3.0-or-later
import copy
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NoReturn

import pytest
import torch
from torch import nn

from cryosegment.core.training.data.targets import PickingTargets, make_targets
from cryosegment.core.training.fit.batches import Batch
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.core.training.fit.state import TrainingProgress
from cryosegment.core.training.losses.picking import PickingLoss
from cryosegment.core.training.validation import best_f1
from cryosegment.exchange.errors import InputError, ModelError, ParameterError
from cryosegment.tests.labelled import labelled_image
from cryosegment.tests.machine import NO_GPU

SIDE = 24


def draw_batch(step: int) -> Batch:
    """A disc in noise, at a place of its own in each step."""
    generator = torch.Generator().manual_seed(step)
    center = 6 + 12 * torch.rand(1, 2, generator=generator)
    pixels = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1)
    disc = ((pixels - center) ** 2).sum(-1) <= 25
    noise = 0.3 * torch.randn(SIDE, SIDE, generator=generator)
    plane = torch.zeros(1, SIDE, SIDE)
    targets = make_targets(disc.int()[None], plane, plane + 1, center[None], torch.tensor([10.0]))
    return (noise - 2 * disc)[None, None], targets


def never(step: int) -> NoReturn:
    raise AssertionError(f"step {step} was drawn")


def scores(values: Sequence[float]) -> Callable[[nn.Module], Validation]:
    """A validation that gives one value after the other."""
    remaining = iter(values)
    return lambda network: Validation(next(remaining))


def bias_score(network: nn.Module) -> Validation:
    """A validation that depends on the network alone."""
    return Validation(float(network.head.bias.detach().square().sum()))


def no_report(progress: TrainingProgress, share: float) -> None:
    pass


def settings(steps: int | None = 12, **more: object) -> FitSettings:
    return FitSettings(
        **{"loss": PickingLoss(), "steps": steps, "minutes": None, "validations": 4, **more}
    )


def curve(progress: TrainingProgress) -> list[dict[str, float]]:
    """The history without the time it took."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in progress.history]


def weights(network: nn.Module) -> torch.Tensor:
    """Weights and statistics as one vector, without the counts of batches."""
    values = network.state_dict().values()
    return torch.cat([value.flatten() for value in values if value.is_floating_point()])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "model.state.safetensors"


def test_history_has_a_row_for_each_validation(tiny_network: nn.Module, state: Path) -> None:
    _, progress = fit(tiny_network, draw_batch, bias_score, settings(), state, no_report)
    assert [row["step"] for row in progress.history] == [0, 3, 6, 9, 12]
    assert set(progress.history[1]) >= {"particle", "center", "offset", "edge", "contamination"}
    assert progress.best_score == max(row["score"] for row in progress.history)


def test_an_interrupted_training_goes_on_as_if_nothing_was(
    tiny_network: nn.Module, state: Path, tmp_path: Path
) -> None:
    start = copy.deepcopy(tiny_network)
    best, whole = fit(tiny_network, draw_batch, bias_score, settings(), state, no_report)

    def interrupt(progress: TrainingProgress, share: float) -> None:
        if progress.step == 8:
            raise KeyboardInterrupt

    other = tmp_path / "other.state.safetensors"
    first = copy.deepcopy(start)
    with pytest.raises(KeyboardInterrupt):
        fit(first, draw_batch, bias_score, settings(), other, interrupt)
    drawn = []

    def draw_and_note(step: int) -> Batch:
        drawn.append(step)
        return draw_batch(step)

    again, resumed = fit(start, draw_and_note, bias_score, settings(), other, no_report)
    assert drawn == [6, 7, 8, 9, 10, 11]  # the state is of the validation after step 6
    assert curve(resumed) == curve(whole)
    assert torch.equal(weights(again), weights(best))


def test_the_same_batches_give_the_same_network(tiny_network: nn.Module, tmp_path: Path) -> None:
    first, second = (
        fit(
            copy.deepcopy(tiny_network),
            draw_batch,
            bias_score,
            settings(workers=workers),
            tmp_path / f"{workers}.safetensors",
            no_report,
        )
        for workers in (0, 1)
    )
    assert torch.equal(weights(first[0]), weights(second[0]))
    assert curve(first[1]) == curve(second[1])


def test_a_finished_training_is_returned_at_once(tiny_network: nn.Module, state: Path) -> None:
    start = copy.deepcopy(tiny_network)
    best, progress = fit(tiny_network, draw_batch, bias_score, settings(), state, no_report)
    again, resumed = fit(start, never, scores([]), settings(), state, no_report)
    assert resumed == progress
    assert torch.equal(weights(again), weights(best))


def test_a_finished_training_can_be_prolonged(tiny_network: nn.Module, state: Path) -> None:
    fit(tiny_network, draw_batch, bias_score, settings(4), state, no_report)
    _, progress = fit(tiny_network, draw_batch, bias_score, settings(6), state, no_report)
    assert progress.step == 6


def test_nothing_worse_than_the_start_is_returned(tiny_network: nn.Module, state: Path) -> None:
    start = weights(tiny_network).clone()
    falling = scores([0.9, 0.5, 0.6, 0.7, 0.8])
    best, progress = fit(tiny_network, draw_batch, falling, settings(), state, no_report)
    assert torch.equal(weights(best), start)
    assert progress.best_score == 0.9
    assert not torch.equal(weights(tiny_network), start)


def test_the_best_of_all_validations_is_returned(tiny_network: nn.Module, state: Path) -> None:
    seen = []

    def validate(network: nn.Module) -> Validation:
        seen.append(weights(network).clone())
        return Validation((0.1, 0.2, 0.9, 0.3, 0.9)[len(seen) - 1], {"threshold": 0.1 * len(seen)})

    best, progress = fit(tiny_network, draw_batch, validate, settings(), state, no_report)
    assert torch.equal(weights(best), seen[2])
    assert (progress.best_score, progress.best) == (0.9, {"threshold": pytest.approx(0.3)})


@pytest.mark.parametrize(("until", "moved"), [(0.0, False), (1.0, True)])
def test_statistics_are_frozen_for_part_of_the_training(
    tiny_network: nn.Module, state: Path, until: float, moved: bool
) -> None:
    before = {name: value.clone() for name, value in tiny_network.named_buffers()}
    options = replace(settings(3), moving_statistics=until)
    fit(tiny_network, draw_batch, bias_score, options, state, no_report)
    changes = [not torch.equal(value, before[name]) for name, value in tiny_network.named_buffers()]
    assert all(changes) if moved else not any(changes)


def test_bfloat16_trains_alike(tiny_network: nn.Module, tmp_path: Path) -> None:
    start, found = weights(tiny_network), []
    for half in (False, True):
        options = replace(settings(3), bfloat16=half)
        network = copy.deepcopy(tiny_network)
        fit(network, draw_batch, bias_score, options, tmp_path / f"{half}.safetensors", no_report)
        found.append(weights(network) - start)
    assert not torch.equal(*found)
    assert torch.cosine_similarity(*found, dim=0) > 0.9


def test_the_network_that_is_scored_is_an_average(tiny_network: nn.Module, state: Path) -> None:
    """Exponential moving average, recomputed from the weights after each step."""
    expected = weights(tiny_network).clone()
    seen = []

    def average(progress: TrainingProgress, share: float) -> None:
        nonlocal expected
        keep = min(0.4, (1 + progress.step) / (10 + progress.step))
        expected = keep * expected + (1 - keep) * weights(tiny_network)

    def validate(network: nn.Module) -> Validation:
        seen.append(weights(network).clone())
        return Validation(float(len(seen)))

    options = settings(6, validations=1, averaging=0.4)
    best, _ = fit(tiny_network, draw_batch, validate, options, state, average)
    torch.testing.assert_close(seen[-1], expected)
    assert torch.equal(weights(best), seen[-1])
    assert not best.training


@pytest.mark.parametrize(("schedule", "share"), [("one-cycle", 0.04), ("cosine", 1.0)])
def test_the_learning_rate_follows_the_schedule(state: Path, schedule: str, share: float) -> None:
    """AdamW's first step moves every weight by the learning rate, whatever the gradient."""
    network = nn.Conv2d(1, 6, 1)
    before = weights(network).clone()
    options = settings(1, learning_rate=0.01, schedule=schedule)
    fit(network, draw_batch, scores([0.0, 0.1]), options, state, no_report)
    moved = float((weights(network) - before).abs().max())
    assert moved == pytest.approx(share * 0.01, rel=0.01)


def test_a_training_that_stalls_is_ended(tiny_network: nn.Module, state: Path) -> None:
    shares = []

    def report(progress: TrainingProgress, share: float) -> None:
        shares.append(share)

    start = copy.deepcopy(tiny_network)
    stalling = scores([0.1, 0.5, 0.4, 0.5, 0.9])
    _, progress = fit(tiny_network, draw_batch, stalling, settings(patience=2), state, report)
    assert [row["score"] for row in progress.history] == [0.1, 0.5, 0.4, 0.5]
    assert (progress.step, shares[-1], max(shares[:-1])) == (9, 1.0, pytest.approx(8 / 12))
    _, again = fit(start, never, scores([]), settings(patience=2), state, no_report)
    assert again == progress
    _, longer = fit(start, draw_batch, scores([0.3]), settings(patience=3), state, no_report)
    assert longer.step == 12


class Greedy(nn.Module):
    """A network for which the memory of the GPU holds `room` images."""

    def __init__(self, network: nn.Module, room: int) -> None:
        super().__init__()
        self.network = network
        self.room = room
        self.seen: list[int] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(image))
        if len(image) > self.room:
            raise torch.cuda.OutOfMemoryError("Tried 2.00 GiB. Of the allocated memory ...")
        return self.network(image)


def draw_four(step: int) -> Batch:
    images, targets = zip(*(draw_batch(4 * step + index) for index in range(4)), strict=True)
    maps = [[getattr(one, field.name) for one in targets] for field in fields(PickingTargets)]
    return torch.cat(images), PickingTargets(*map(torch.cat, maps))


def any_score(network: nn.Module) -> Validation:
    return Validation(0.5)


def test_half_the_batch_is_taken_when_memory_is_short(
    tiny_network: nn.Module, state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    start = copy.deepcopy(tiny_network)
    greedy = Greedy(tiny_network, room=3)
    _, progress = fit(greedy, draw_four, any_score, settings(4), state, no_report)
    assert greedy.seen == [4, 2, 2, 2, 2]
    assert progress.is_halved
    assert "memory for a batch of 4: going on with half" in caplog.text

    def draw_two(step: int) -> Batch:
        image, targets = draw_four(step)
        return image[:2], targets.map(lambda tensor: tensor[:2])

    other = tmp_path / "other.safetensors"
    fit(start, draw_two, any_score, settings(4), other, no_report)
    assert torch.equal(weights(start), weights(greedy))
    again = Greedy(start, room=2)
    fit(again, draw_four, any_score, settings(6), state, no_report)
    assert again.seen == [2, 2]


def test_memory_for_less_than_half_the_batch(tiny_network: nn.Module, state: Path) -> None:
    greedy = Greedy(tiny_network, room=1)
    expected = r"for 2 patches of 24 x 24 px, found too little \(Tried 2.00 GiB.\): give"
    with pytest.raises(InputError, match=expected):
        fit(greedy, draw_four, any_score, settings(4), state, no_report)
    assert greedy.seen == [4, 2]


def test_the_chosen_loss_is_minimised(tiny_network: nn.Module, state: Path) -> None:
    """The history has its terms: those of the only batch on the network as it was."""
    image, targets = draw_batch(0)
    expected = PickingLoss("lovasz")(tiny_network(image), targets)
    options = settings(1, validations=1, loss=PickingLoss("lovasz"))
    _, progress = fit(tiny_network, draw_batch, bias_score, options, state, no_report)
    terms = {name: progress.history[-1][name] for name in expected}
    assert terms == pytest.approx({name: float(value.detach()) for name, value in expected.items()})


def test_a_loss_that_is_no_number(tiny_network: nn.Module, state: Path) -> None:
    def poisoned(step: int) -> Batch:
        image, targets = draw_batch(step)
        return (image if step < 7 else image * torch.nan), targets

    start = copy.deepcopy(tiny_network)
    with pytest.raises(ParameterError, match=r"finite loss, got particle nan, .* in step 8"):
        fit(tiny_network, poisoned, bias_score, settings(), state, no_report)
    _, progress = fit(start, draw_batch, bias_score, settings(), state, no_report)
    assert [row["step"] for row in progress.history] == [0, 3, 6, 9, 12]
    assert weights(start).isfinite().all()


@pytest.mark.slow
def test_time_ends_a_training(tiny_network: nn.Module, state: Path) -> None:
    shares = []

    def report(progress: TrainingProgress, share: float) -> None:
        shares.append(share)

    limit = settings(None, minutes=0.5 / 60)
    _, progress = fit(tiny_network, draw_batch, bias_score, limit, state, report)
    assert 0.5 <= progress.seconds < 4
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert progress.history[-1]["step"] == progress.step > 0
    _, resumed = fit(tiny_network, never, scores([]), limit, state, no_report)
    assert resumed.step == progress.step


def test_steps_or_minutes_are_needed() -> None:
    with pytest.raises(ParameterError, match="found neither"):
        settings(None)


def test_a_state_of_another_network(tiny_network: nn.Module, state: Path) -> None:
    fit(tiny_network, draw_batch, bias_score, settings(1), state, no_report)
    with pytest.raises(ModelError, match="same arguments"):
        fit(nn.Conv2d(1, 6, 1), draw_batch, bias_score, settings(), state, no_report)


def test_a_state_of_other_labels(tiny_network: nn.Module, state: Path) -> None:
    fit(tiny_network, draw_batch, bias_score, settings(1, labels="these"), state, no_report)
    with pytest.raises(ModelError, match="found others"):
        fit(tiny_network, never, bias_score, settings(labels="those"), state, no_report)


def test_an_unwritable_place_is_known_before_the_first_step(
    tiny_network: nn.Module, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        fit(tiny_network, never, bias_score, settings(), tmp_path / "file" / "s", no_report)


@pytest.mark.slow
def test_a_patch_is_learnt_by_heart(tiny_network: nn.Module, state: Path) -> None:
    """Targets, losses, steps, averaging and candidates work together: F1 goes from 0 to 1."""
    side, diameter = 64, 14.0
    centers = torch.tensor([[14.3, 15.1], [15.0, 29.8], [45.7, 40.2], [31.2, 50.0]])
    pixels = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij"), -1)
    distance, nearest = ((pixels[:, :, None] - centers) ** 2).sum(-1).min(-1)
    instances = torch.where(distance <= (diameter / 2) ** 2, nearest + 1, 0).int()
    noise = torch.randn(side, side, generator=torch.Generator().manual_seed(0))
    image = 0.5 * noise - 2.0 * (instances > 0)
    plane = torch.zeros(1, side, side)
    targets = make_targets(
        instances[None], plane, plane + 1, centers[None], torch.tensor([diameter])
    )
    labelled = [labelled_image(image, centers, diameter)]
    options = settings(120, learning_rate=5e-3, validations=2, averaging=0.9)
    _, progress = fit(
        tiny_network,
        lambda step: (image[None, None], targets),
        lambda network: best_f1(network, labelled),
        options,
        state,
        no_report,
    )
    assert progress.history[0]["score"] < 0.5
    assert progress.best_score == 1.0


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
def test_training_on_a_gpu(tiny_network: nn.Module, state: Path) -> None:
    options = settings(4, device="cuda")
    best, progress = fit(tiny_network, draw_batch, bias_score, options, state, no_report)
    assert next(best.parameters()).is_cuda
    assert progress.step == 4
    fit(tiny_network, draw_batch, bias_score, settings(6, device="cuda"), state, no_report)
