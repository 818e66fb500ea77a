# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.report.choice import evenly


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [0]), (2, [0, 9]), (4, [0, 3, 6, 9]), (99, list(range(10)))],
)
def test_some_of_many(count, expected):
    assert evenly(range(10), count) == expected


def test_some_of_none():
    assert evenly([], 5) == []
