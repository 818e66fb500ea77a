# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch
from torch import nn

from cryosegment.core.training.fit.ranks import ALONE, Ranks
from cryosegment.exchange.errors import ParameterError


def test_the_parts_make_up_the_batch() -> None:
    parts = [list(Ranks(rank, 3).part(6)) for rank in range(3)]
    assert parts == [[0, 1], [2, 3], [4, 5]]
    assert list(ALONE.part(5)) == [0, 1, 2, 3, 4]


def test_a_batch_that_cannot_be_shared() -> None:
    with pytest.raises(ParameterError, match="2 processes can share evenly, got 7"):
        Ranks(1, 2).part(7)


def test_the_first_process() -> None:
    assert [Ranks(rank, 2).is_first for rank in range(2)] == [True, False]
    assert ALONE.is_first


def test_a_process_by_itself_changes_nothing() -> None:
    network, batch = nn.Conv2d(1, 1, 1), torch.ones(2, 3)
    assert ALONE.wrap(network) is network
    assert ALONE.gather(batch) is batch
    assert ALONE.from_first(0.5, 2.0) == [0.5, 2.0]
