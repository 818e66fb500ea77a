# SPDX-License-Identifier: GPL-3.0-or-later
from cryosegment.exchange.wording import counted, every


def test_numbers_and_what_they_count() -> None:
    assert [counted(number, "pick") for number in (0, 1, 2)] == ["0 picks", "1 pick", "2 picks"]
    assert [every(number, "pick") for number in (1, 2)] == ["the pick", "all 2 picks"]
