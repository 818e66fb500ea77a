# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of the conditional random field (CRF), and its presets."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from cryosegment.exchange.errors import ParameterError
from cryosegment.exchange.model_files import GENERAL
from cryosegment.exchange.params.fields import (
    AUTO,
    FILE,
    MODEL_HELP,
    MODEL_PATH,
    ONE_GPU_HELP,
    RESUME_HELP,
    SEED_HELP,
    THREADS_HELP,
    Params,
    param,
)
from cryosegment.exchange.params.front_end import CTF_HELP
from cryosegment.exchange.parts import SOLVERS

ENGINES = ("grid", "exact", "windows", "pydensecrf")
FEATURES = ("intensity", "denoised", "logits", "network")
APPEARANCE_FORM = "FEATURE:WEIGHT:REACH:FEATURE_REACH"


@dataclass(frozen=True)
class AppearanceTerm(Params):
    """A bilateral kernel: neighbouring pixels with similar features tend to the same label."""

    feature: str = param("logits", "feature that is compared", choices=FEATURES)
    weight: float = param(1.0, "strength, in logits", minimum=0, maximum=1000)
    sigma: float = param(10.0, "standard deviation in space", "px", minimum=0.1, maximum=1000)
    feature_sigma: float = param(
        2.0, "standard deviation in the feature", minimum=0.001, maximum=1000
    )

    def __str__(self) -> str:
        return f"{self.feature}:{self.weight:g}:{self.sigma:g}:{self.feature_sigma:g}"


def parse_appearance(text: str) -> AppearanceTerm:
    """Appearance kernel from text such as `logits:1:10:2`.

    Raises
    ------
    ParameterError
        If the text is not of that form, or a value is out of bounds.
    """
    feature, *numbers = text.split(":")
    try:
        weight, sigma, feature_sigma = map(float, numbers)
    except ValueError:
        raise ParameterError(
            f"expected appearance as {APPEARANCE_FORM}, such as logits:1:10:2, got {text!r}"
        ) from None
    return AppearanceTerm(feature, weight, sigma, feature_sigma)


def check_engine(engine: str, solver: str) -> None:
    """Check that an engine has a solver.

    Raises
    ------
    ParameterError
        If it has not.
    """
    if engine == "pydensecrf" and solver not in (AUTO, "mean-field"):
        raise ParameterError(
            f"expected the solver mean-field for the engine pydensecrf, got {solver}: choose the "
            "engine grid"
        )


@dataclass(frozen=True)
class CrfParams(Params):
    """A dense CRF; distances in pixels of the network's input."""

    solver: str = param("mean-field", "method that infers the labels", choices=tuple(SOLVERS))
    engine: str = param("grid", "implementation of the kernels", choices=ENGINES)
    iterations: int = param(5, "number of iterations", minimum=1, maximum=100)
    tolerance: float = param(
        0.0, "stop when the energy per pixel changes less than this; 0: never", minimum=0, maximum=1
    )
    regularization: float = param(
        1.0,
        "strength of the regularization of the solvers entropic and l2",
        minimum=0.01,
        maximum=100,
    )
    temperature: float = param(
        1.0, "divisor of the network's logits: above 1 trusts it less", minimum=0.05, maximum=20
    )
    gaussian_weight: float = param(
        1.0, "weight of the smoothness kernel, in logits", minimum=0, maximum=1000
    )
    gaussian_sigma: float = param(
        2.0, "standard deviation of the smoothness kernel", "px", minimum=0.1, maximum=100
    )
    appearance: Tuple[str, ...] = param(
        (),
        f"appearance kernels as {APPEARANCE_FORM}, separated by commas; features "
        f"{', '.join(FEATURES)}; weight in logits, reach (standard deviation) in px",
        metavar="TERM",
    )
    intensity_sigma: float = param(
        2.0,
        "Gaussian low-pass of the image before intensities are compared, its sigma",
        "px",
        minimum=0.1,
        maximum=100,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.appearance_terms()
        check_engine(self.engine, self.solver)

    def __str__(self) -> str:
        parts = [self.solver, f"{self.iterations} updates", f"temperature {self.temperature:g}"]
        parts.append(f"smoothness {self.gaussian_weight:g} within {self.gaussian_sigma:g} px")
        return ", ".join([*parts, *self.appearance])

    def appearance_terms(self) -> Tuple[AppearanceTerm, ...]:
        """The appearance kernels."""
        return tuple(parse_appearance(text) for text in self.appearance)

    def features(self) -> Tuple[str, ...]:
        """Features of the appearance kernels, each once."""
        return tuple(dict.fromkeys(term.feature for term in self.appearance_terms()))

    def stronger(self, factor: float) -> CrfParams:
        """The same CRF with every weight multiplied by `factor`."""
        terms = [dataclasses.replace(t, weight=t.weight * factor) for t in self.appearance_terms()]
        return dataclasses.replace(
            self,
            gaussian_weight=self.gaussian_weight * factor,
            appearance=tuple(map(str, terms)),
        )


NO_CRF = "none"
CRF_PRESETS: Dict[str, CrfParams] = {
    "gaussian": CrfParams(),
    "intensity": CrfParams(appearance=("intensity:0.5:10:0.5",)),
    "denoised": CrfParams(appearance=("denoised:0.5:10:0.5",)),
    "logits": CrfParams(appearance=("logits:1:10:2",)),
    "network": CrfParams(appearance=("network:1:10:0.5",)),
    "combined": CrfParams(
        gaussian_weight=3.0, appearance=("logits:3:10:2", "intensity:1.5:10:0.5")
    ),
}
DEFAULT_PRESET = "combined"
"""What the card of a new model recommends: the best masks on simulated micrographs, see
docs/benchmarks/crf.md."""


@dataclass(frozen=True)
class CrfMapsParams(Params):
    """How saved probability maps are refined."""

    crf: str = param(
        AUTO,
        "the CRF; auto: that of the model that made the maps",
        choices=(AUTO, *CRF_PRESETS),
    )
    solver: str = param(AUTO, "solver of the CRF; auto: the CRF's own", choices=(AUTO, *SOLVERS))
    engine: str = param("grid", "implementation of the kernels", choices=ENGINES)
    iterations: Optional[int] = param(
        None, "number of iterations; if left out, that of the CRF", minimum=1, maximum=100
    )
    strength: float = param(1.0, "factor on the weights of the CRF", minimum=0, maximum=100)
    appearance: Tuple[str, ...] = param(
        (),
        f"appearance kernels that replace the CRF's own, as {APPEARANCE_FORM}, separated by commas",
        metavar="TERM,...",
    )
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
    resume: bool = param(False, RESUME_HELP, is_free=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_engine(self.engine, self.solver)
        for text in self.appearance:
            parse_appearance(text)


@dataclass(frozen=True)
class CrfTuneParams(Params):
    """How the CRF that gives the best masks is searched."""

    model: str = param(GENERAL, MODEL_HELP, **MODEL_PATH)
    ctf: str = param("", CTF_HELP, **FILE)
    trials: int = param(60, "number of CRFs to try", minimum=1, maximum=10_000)
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param(AUTO, ONE_GPU_HELP, metavar="ID", is_free=True)
    threads: int = param(0, THREADS_HELP, minimum=0, is_free=True)
