# SPDX-License-Identifier: GPL-3.0-or-later
"""Other tasks than picking go through the same loop, cards and checkpoints."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from cryosegment.core.models.checkpoint import load_network, save_checkpoint
from cryosegment.core.models.model import load_model
from cryosegment.core.models.verification import verify
from cryosegment.core.networks import Heads, build_network
from cryosegment.core.training.fit.loop import fit
from cryosegment.core.training.fit.objective import Loss, Targets
from cryosegment.core.training.fit.settings import FitSettings, Validation
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.errors import ModelError
from cryosegment.exchange.params import InputParams

ARGUMENTS = {"widths": [8, 16], "deep_blocks": 0}
SIDE, RADIUS, RIM = 32, 8.0, 3.0
UNSEEN = 10**6


@dataclass(frozen=True)
class Shape(Targets):
    """Which of two shapes a box holds, and which of three classes each of its pixels has."""

    kind: Tensor
    classes: Tensor


def draw(step: int, count: int = 16) -> tuple[Tensor, Shape]:
    """Discs (0) and rings (1) of the same mean grey level in noise; background, rim, inside."""
    random = torch.Generator().manual_seed(step)
    kind = torch.randint(2, (count,), generator=random)
    center = (SIDE - 1) / 2 + 14 * torch.rand(count, 2, generator=random) - 7
    pixels = torch.stack(torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij"), -1)
    distance = (pixels - center[:, None, None]).norm(dim=-1)
    inside, rim = distance < RADIUS - RIM, (distance >= RADIUS - RIM) & (distance < RADIUS)
    body = inside | rim
    drawn = torch.where(kind[:, None, None] == 0, body, rim).float()
    drawn *= (body.sum((1, 2)) / drawn.sum((1, 2)))[:, None, None]
    image = torch.randn(count, SIDE, SIDE, generator=random) - drawn
    return image[:, None], Shape(kind, inside * 2 + rim)


def kind_of(logits: Tensor) -> Tensor:
    """The answer to a box is the mean of the answers to its pixels."""
    return logits.mean((-2, -1))


def loss_of_boxes(logits: Tensor, targets: Shape) -> dict[str, Tensor]:
    return {"kind": functional.cross_entropy(kind_of(logits), targets.kind)}


def loss_of_pixels(logits: Tensor, targets: Shape) -> dict[str, Tensor]:
    return {"classes": functional.cross_entropy(logits, targets.classes)}


def right_boxes(logits: Tensor, targets: Shape) -> float:
    """Mean share of each kind that is right: a half by chance."""
    found = kind_of(logits).argmax(1)
    return float(sum((found == k)[targets.kind == k].float().mean() for k in range(2)) / 2)


def right_pixels(logits: Tensor, targets: Shape) -> float:
    """Mean share of each class that is right: a third by chance."""
    found = logits.argmax(1)
    return float(sum((found == k)[targets.classes == k].float().mean() for k in range(3)) / 3)


@pytest.mark.parametrize(
    ("heads", "loss", "term", "score", "chance"),
    [
        (Heads(("disc", "ring")), loss_of_boxes, "kind", right_boxes, 1 / 2),
        (Heads(("background", "edge", "signal")), loss_of_pixels, "classes", right_pixels, 1 / 3),
    ],
    ids=["two kinds of boxes", "three classes of pixels"],
)
def test_another_task(
    heads: Heads,
    loss: Loss,
    term: str,
    score: Callable[[Tensor, Shape], float],
    chance: float,
    tmp_path: Path,
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network("compact", heads, **ARGUMENTS)

    def judge(candidate: nn.Module, first: int) -> float:
        """Score on 256 boxes that training does not draw."""
        images, targets = draw(first, 256)
        with torch.inference_mode():
            return score(candidate(images), targets)

    best, progress = fit(
        network,
        draw,
        lambda candidate: Validation(judge(candidate, UNSEEN)),
        FitSettings(loss, steps=60, minutes=None, learning_rate=0.02, validations=2),
        tmp_path / "model.state.safetensors",
        lambda state, share: None,
    )
    assert set(progress.history[-1]) == {"step", "seconds", term, "gradient", "score"}
    path = tmp_path / "model.safetensors"
    facts = TrainedNetwork("compact", ARGUMENTS, heads)
    save_checkpoint(path, best, ModelCard("toy", facts, InputParams(16.0), task="shapes"))
    loaded, card = load_network(path)
    assert (card.task, card.network.heads) == ("shapes", heads)
    assert verify(loaded, card) == 0
    assert abs(progress.history[0]["score"] - chance) < 0.2
    assert judge(loaded, UNSEEN + 1) > 1 - 0.4 * (1 - chance)
    with pytest.raises(ModelError, match="expected a model for picking, found toy"):
        load_model(path)
