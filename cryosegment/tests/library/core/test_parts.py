# SPDX-License-Identifier: GPL-3.0-or-later
from importlib.util import find_spec

import pytest

from cryosegment.core.crf.solvers import Solver
from cryosegment.core.parts import load_part
from cryosegment.exchange.parts import (
    CENTER_FINDERS,
    EARLIER_NETWORKS,
    LIBRARY,
    NETWORKS,
    SOLVERS,
    Part,
)

MAKERS = {**CENTER_FINDERS, **NETWORKS, **EARLIER_NETWORKS}


@pytest.mark.parametrize("part", MAKERS.values(), ids=MAKERS)
def test_finders_and_networks_are_where_the_tables_say(part: Part) -> None:
    if part.place == LIBRARY and find_spec("segmentation_models_pytorch") is None:
        pytest.skip("no segmentation_models.pytorch")
    assert callable(load_part(part))


@pytest.mark.parametrize("part", SOLVERS.values(), ids=SOLVERS)
def test_solvers_are_where_the_table_says(part: Part) -> None:
    assert isinstance(load_part(part), Solver)
