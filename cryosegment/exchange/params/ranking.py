# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of `rank`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.model_files import PARTICLES
from cryosegment.exchange.params.fields import (
    AUTO,
    FILE,
    GPU_HELP,
    REQUIRED,
    RESUME_HELP,
    Params,
    auto_or_given,
    param,
)
from cryosegment.exchange.params.network_input import BRIGHT, DARK
from cryosegment.exchange.particles.scores import AGREEMENT, QUALITY, SCORES


@dataclass(frozen=True)
class RankParams(Params):
    """How particle images are scored, and which are kept."""

    particles: str = param(
        REQUIRED, "extracted particles of RELION (.star) or CryoSPARC (.cs)", **FILE
    )
    passthrough: str = param(
        "",
        "passthrough file of CryoSPARC; if left out, the one in the folder of the particles",
        **FILE,
    )
    model: str = param(
        PARTICLES,
        "model file, or particles for the shipped model of particle images",
        metavar="MODEL",
        is_path=True,
        names=(PARTICLES,),
    )
    diameter: Optional[float] = param(
        None,
        "particle diameter; if left out, it is estimated from the images",
        "Å",
        minimum=1,
        maximum=100_000,
    )
    particle_pixel_size: Optional[float] = param(
        None,
        "pixel size of the particle images; if left out, that of the particle file",
        "Å/px",
        minimum=0.01,
    )
    contrast: str = param(
        AUTO,
        "whether particles are dark or bright in the images; auto: as the file says, otherwise "
        "bright, as RELION extracts them",
        choices=(AUTO, BRIGHT, DARK),
    )
    map: str = param(
        "",
        "map of the particles, MRC, for refined particles with CTFs: their agreement with it "
        "becomes a score",
        **FILE,
    )
    aligned_to: Optional[float] = param(
        None,
        "finest resolution that the alignment of the particles used; the agreement is measured "
        "beyond it, down to half of it",
        "Å",
        minimum=1,
    )
    score: str = param(
        QUALITY,
        "score by which particles are kept; ets is the edge-to-signal ratio of particleSeg",
        choices=tuple(SCORES),
        is_free=True,
    )
    keep: str = param(
        AUTO,
        "fraction of the particles that is kept, the best, such as 0.7; auto: the threshold of the "
        "quality at which most good particles are kept and most others dropped (F1)",
        metavar="FRACTION",
        is_free=True,
    )
    threshold: Optional[float] = param(
        None, "particles with at least this score are kept, whatever their fraction", is_free=True
    )
    purity: Optional[float] = param(
        None,
        "as many particles are kept as can be, of which this fraction are good",
        minimum=0,
        maximum=1,
        is_free=True,
    )
    gpu: str = param(AUTO, GPU_HELP, metavar="IDS", is_free=True)
    threads: int = param(
        0, "CPU threads, each with images of its own; 0: one for each core", minimum=0, is_free=True
    )
    resume: bool = param(False, RESUME_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        wishes = (self.fraction, self.threshold, self.purity)
        if sum(wish is not None for wish in wishes) > 1:
            raise ParameterError("expected one of keep, threshold and purity: leave the others out")
        if (self.map == "") != (self.aligned_to is None):
            raise ParameterError(
                "expected map and aligned-to together, got one of them: an agreement where the "
                "particles were aligned says nothing"
            )
        if self.score == AGREEMENT and not self.map:
            raise ParameterError("expected a map for the score agreement: give map and aligned-to")
        if self.score != QUALITY and self.fraction is None and self.threshold is None:
            raise ParameterError(
                f"expected keep or threshold for the score {self.score}, which is no probability: "
                "give a fraction to keep"
            )

    @property
    def fraction(self) -> Optional[float]:
        """Fraction to keep; None where something else decides.

        Raises
        ------
        ParameterError
            If it is none.
        """
        text = auto_or_given(self.keep)
        if text == AUTO:
            return None
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 < value <= 1:
            raise ParameterError(
                f"expected keep to be auto or a fraction, above 0 and at most 1, got {self.keep!r}"
            )
        return value
