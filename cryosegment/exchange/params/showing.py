# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `show`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from cryosegment.exchange.params.fields import PATH, Params, param


@dataclass(frozen=True)
class ShowParams(Params):
    """What a window shows."""

    micrographs: Tuple[str, ...] = param(
        (),
        "micrographs, as for pick, where the folder does not say where they are or they have been "
        "moved; give it again for more",
        **PATH,
    )
