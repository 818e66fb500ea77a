# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `repick`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Tuple

from cryosegment.exchange.params.fields import Params, auto_or_given, param
from cryosegment.exchange.params.picking import (
    DROP,
    EDGE_HELP,
    FLAG,
    FORMATS,
    FORMATS_HELP,
    NUMBER_HELP,
    PRECISION_HELP,
    SAM_HELP,
    SIZE_CLASSES_HELP,
    PickParams,
)
from cryosegment.exchange.parts import CENTER_FINDERS, HEAT_MAP

KEPT = "kept"
"""The choice of the picking run; of finders, that whose candidates were kept."""
WISHES = ("threshold", "precision", "number")
"""What says how many candidates are picks: one of them is given."""
LIMITS = (
    *("min_distance", "min_diameter", "max_diameter", "size_classes", "edge"),
    *("contaminated", "filaments"),
)
"""What a pick must keep to besides, and the classes that it is sorted into."""
AS_BEFORE = "; if left out, as in the picking run"
AS_FOR_PICK = ", or auto as for pick" + AS_BEFORE


@dataclass(frozen=True)
class RepickParams(Params):
    """Which of the candidates of a picking run are picks."""

    threshold: str = param(
        "", "lowest score of a pick, from 0 to 1, or auto or card as for pick" + AS_BEFORE
    )
    precision: Optional[float] = param(None, PRECISION_HELP, minimum=0, maximum=1)
    number: Optional[int] = param(None, NUMBER_HELP, minimum=1)
    centers: str = param(
        KEPT,
        "method that finds the centres; kept: the candidates of the picking run are taken; the "
        "others look for them in its maps, which pick --maps writes",
        choices=(KEPT, *(name for name in CENTER_FINDERS if name != HEAT_MAP)),
    )
    sam: str = param("", SAM_HELP, metavar="DIR", is_path=True)
    min_distance: str = param(
        "", "smallest distance between two picks, in particle diameters" + AS_FOR_PICK
    )
    min_diameter: str = param(
        "", "smallest diameter of a pick's mask, 0 for no limit" + AS_FOR_PICK, "Å"
    )
    max_diameter: str = param(
        "", "largest diameter of a pick's mask, 0 for no limit" + AS_FOR_PICK, "Å"
    )
    size_classes: str = param("", SIZE_CLASSES_HELP + AS_BEFORE)
    edge: Optional[float] = param(None, EDGE_HELP + AS_BEFORE, minimum=0, maximum=10)
    contaminated: str = param(
        KEPT,
        "drop picks on contamination, or flag them; kept: as in the picking run",
        choices=(KEPT, DROP, FLAG),
    )
    filaments: str = param(
        KEPT,
        "drop picks on filaments, or flag them; kept: as in the picking run",
        choices=(KEPT, DROP, FLAG),
    )
    masks: bool = param(False, "write masks of the picks, which the picking run must have, too")
    formats: Tuple[str, ...] = param((), FORMATS_HELP, choices=FORMATS, metavar="FORMAT")

    def changed(self, run: PickParams) -> PickParams:
        """The parameters of a picking run with those that are given here in place of its own.

        Raises
        ------
        ParameterError
            If a value is none that `pick` takes, or more than one of threshold, precision and
            number is given.
        """
        values: Dict[str, Any] = {}
        if any(getattr(self, name) for name in WISHES):
            values.update({name: getattr(self, name) for name in WISHES})
            values["threshold"] = auto_or_given(self.threshold)
        for name in LIMITS:
            given = getattr(self, name)
            if given not in ("", None, KEPT):
                values[name] = given.strip().lower() if isinstance(given, str) else given
        if self.centers != KEPT:
            values.update(centers=self.centers, sam=self.sam)
        values.update(masks=self.masks, formats=self.formats)
        return replace(run, **values, maps=False, overlays=False, decoys=0, resume=False, shard="")
