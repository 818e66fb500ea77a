# SPDX-License-Identifier: GPL-3.0-or-later

import pytest
import torch

from cryosegment.core.labels.labelled import LabelledImage
from cryosegment.core.training.data.split import Split, split
from cryosegment.exchange.errors import InputError
from cryosegment.tests.labelled import labelled_image


def labelled(name: str, particles: int = 3, is_verified: bool = True) -> LabelledImage:
    return labelled_image(
        torch.zeros(4, 4),
        torch.zeros(particles, 2),
        2.0,
        micrograph=name,
        is_verified=is_verified,
    )


def names(parts: Split) -> tuple[list[str], list[str]]:
    return [i.micrograph for i in parts.training], [i.micrograph for i in parts.validation]


@pytest.mark.parametrize(("fraction", "kept"), [(0.2, 2), (0.01, 1), (0.9, 9)])
def test_a_fraction_is_kept(fraction: float, kept: int) -> None:
    every = [labelled(f"{number}.mrc") for number in range(10)]
    parts = split(every, fraction, 0)
    training, validation = names(parts)
    assert len(validation) == kept
    assert sorted(training + validation) == [f"{number}.mrc" for number in range(10)]
    assert parts.is_held_out
    assert names(split(every, fraction, 0)) == (training, validation)
    if kept == 2:
        assert any(names(split(every, fraction, seed)) != (training, validation) for seed in (1, 2))


def test_one_micrograph_is_trained_and_validated_on() -> None:
    parts = split([labelled("a.mrc"), labelled("empty.mrc", 0)], 0.2, 0)
    assert names(parts) == (["a.mrc", "empty.mrc"], ["a.mrc"])
    assert not parts.is_held_out


def test_nothing_is_kept_where_that_is_asked_for() -> None:
    parts = split([labelled("a.mrc"), labelled("b.mrc")], 0, 0)
    assert names(parts) == (["a.mrc", "b.mrc"], ["a.mrc", "b.mrc"])
    assert not parts.is_held_out


def test_picks_are_trained_on_but_never_validated_on() -> None:
    mine = [labelled("a.mrc"), labelled("b.mrc")]
    theirs = [labelled(f"{number}.mrc", is_verified=False) for number in range(8)]
    training, validation = names(split([*mine, *theirs], 0.9, 0))
    assert len(validation) == 1
    assert validation[0] in ("a.mrc", "b.mrc")
    assert len(training) == 9


def test_no_labels_of_a_micrograph_kept_for_validation_are_trained_on() -> None:
    """Neither a picker's nor other ones of our own."""
    mine = [labelled("a.mrc"), labelled("b.mrc"), labelled("a.mrc"), labelled("b.mrc")]
    theirs = [labelled("a.mrc", is_verified=False), labelled("b.mrc", is_verified=False)]
    training, validation = names(split([*mine, *theirs], 0.2, 0))
    assert len(set(training)) == len(set(validation)) == 1
    assert set(training) != set(validation)
    assert (len(training), len(validation)) == (3, 2)


def test_picks_alone_measure_nothing() -> None:
    with pytest.raises(InputError, match="found picks alone"):
        split([labelled("a.mrc", is_verified=False), labelled("b.mrc", 0)], 0.2, 0)
