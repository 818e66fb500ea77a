# SPDX-License-Identifier: GPL-3.0-or-later
"""Front ends, the filters of an image before the network, and the front end of a model card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping

from cryosegment.exchange.errors import ModelError, ParameterError
from cryosegment.exchange.params.fields import Params, param
from cryosegment.exchange.records import record_from_dict, record_to_dict

NO_FRONT_END = "none"
LOW_PASS, FLIP, WIENER, CRYOSEGNET, MEDIAN = (
    "low-pass",
    "ctf-flip",
    "ctf-wiener",
    "cryosegnet",
    "median",
)
FRONT_ENDS = (NO_FRONT_END, LOW_PASS, FLIP, WIENER, CRYOSEGNET, MEDIAN)
WITH_CTF = (FLIP, WIENER)
"""Front ends that need the contrast transfer function (CTF) of the micrograph."""
AUTO_FRONT_END = "auto"
CTF_HELP = "STAR file with the CTF of every micrograph, for models with a CTF front end"


@dataclass(frozen=True)
class FrontEndParams(Params):
    """A filter or denoiser of the image, at the pixel size of the network's input."""

    name: str = param(NO_FRONT_END, "front end", choices=FRONT_ENDS)
    resolution: float = param(
        0.0,
        "resolution of low-pass; 0: a fifth of the particle diameter",
        "Å",
        minimum=0,
        maximum=1000,
    )

    def facts(self) -> Dict[str, Any]:
        """The front end as a model card stores it; empty for none."""
        return {} if self.name == NO_FRONT_END else record_to_dict(self)


def choose_front_end(name: str, resolution: float, facts: Mapping[str, Any]) -> FrontEndParams:
    """The front end that a user chose.

    Parameters
    ----------
    name
        `auto` for that of the model card, or one of `FRONT_ENDS`.
    resolution
        Of a low-pass, Å.
    facts
        Front end of the model card.
    """
    if name == AUTO_FRONT_END:
        return front_end_of_card(facts)
    return FrontEndParams(name, resolution if name == LOW_PASS else 0.0)


def front_end_of_card(facts: Mapping[str, Any]) -> FrontEndParams:
    """The front end that a model was trained with; none where its card has none.

    Raises
    ------
    ModelError
        If this version does not know it.
    """
    try:
        return record_from_dict(FrontEndParams, facts)
    except ParameterError as error:
        raise ModelError(
            f"the model was trained with a front end that this version does not know ({error}): "
            "install the cryosegment version that made it"
        ) from None
