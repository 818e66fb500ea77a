# SPDX-License-Identifier: GPL-3.0-or-later
"""The parameters of every command: the one home of defaults, units, bounds and help."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import MISSING, dataclass
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Type, TypeVar

from cryosegment.exchange.errors import ParameterError

REQUIRED: Any = MISSING
"""Default of a parameter that must be given."""

P = TypeVar("P", bound="Params")


def param(
    default: Any,
    help: str,
    unit: str = "",
    minimum: Optional[float] = None,
    maximum: Optional[float] = None,
    **more: Any,
) -> Any:
    """A dataclass field that knows its help, unit and bounds.

    `more` may hold `choices` (the allowed values), `flag` (the option's name, where it is not
    the field's), `metavar` (its values in the help) and `is_path` (a file or folder).
    """
    metadata = {"help": help, "unit": unit, "minimum": minimum, "maximum": maximum, **more}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Params:
    """Parameters that check themselves against their bounds."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises
        ------
        ParameterError
            If a value is out of bounds or is no allowed choice.
        """
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            for item in value if isinstance(value, tuple) else (value,):
                _check(field.name, item, field.metadata)


def _check(name: str, value: Any, metadata: Mapping[str, Any]) -> None:
    choices: Optional[Sequence[Any]] = metadata.get("choices")
    if choices is not None and value not in choices:
        allowed = ", ".join(map(str, choices))
        raise ParameterError(f"expected {name} to be one of {allowed}, got {value!r}")
    if isinstance(value, (bool, str)) or value is None:
        return
    low, high = metadata.get("minimum"), metadata.get("maximum")
    is_wrong = (
        not math.isfinite(value)
        or (low is not None and value < low)
        or (high is not None and value > high)
    )
    if is_wrong:
        unit = f" {metadata['unit']}" if metadata.get("unit") else ""
        bounds = [f"at least {low:g}"] if low is not None else []
        bounds += [f"at most {high:g}"] if high is not None else []
        expected = " and ".join(bounds) or "a finite number"
        raise ParameterError(f"expected {name} to be {expected}{unit}, got {value:g}")


def params_to_dict(params: Params) -> Dict[str, Any]:
    """Parameters by name, as JSON can hold them."""
    values = dataclasses.asdict(params)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}


def params_from_dict(cls: Type[P], values: Mapping[str, Any]) -> P:
    """Parameters of class `cls` from JSON values.

    Raises
    ------
    ParameterError
        If a parameter is unknown, missing, of the wrong type, or out of bounds.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in values:
        if name not in fields:
            raise ParameterError(f"parameter {name} is unknown: expected {', '.join(fields)}")
    for name, field in fields.items():
        if field.default is MISSING and name not in values:
            raise ParameterError(f"parameter {name} is missing: it has no default")
    checked = {name: _from_json(fields[name], value) for name, value in values.items()}
    return cls(**checked)


@dataclass(frozen=True)
class Kind:
    """What a parameter holds: a type's name, whether None may stand for it, how many of it."""

    name: str
    is_optional: bool
    count: str  # "1", a larger number, or "any"


def kind_of(field: dataclasses.Field[Any]) -> Kind:
    """Kind of a parameter, from its annotation."""
    annotation = str(field.type)
    is_optional = annotation.startswith("Optional[")
    name = annotation[len("Optional[") : -1] if is_optional else annotation
    if not name.startswith("Tuple["):
        return Kind(name, is_optional, "1")
    items = name[len("Tuple[") : -1].split(", ")
    return Kind(items[0], is_optional, "any" if items[-1] == "..." else str(len(items)))


def _from_json(field: dataclasses.Field[Any], value: Any) -> Any:
    kind = kind_of(field)
    if kind.is_optional and value is None:
        return None
    if kind.count == "1":
        return _plain(field.name, kind.name, value)
    if not isinstance(value, (list, tuple)) or kind.count not in ("any", str(len(value))):
        raise ParameterError(f"expected {kind.count} values of {field.name}, got {value!r}")
    return tuple(_plain(field.name, kind.name, item) for item in value)


def _plain(name: str, kind: str, value: Any) -> Any:
    types = {"float": (int, float), "int": (int,), "str": (str,), "bool": (bool,)}
    is_right = isinstance(value, types.get(kind, ()))
    if not is_right or (isinstance(value, bool) and kind != "bool"):
        raise ParameterError(f"expected {name} to be of type {kind}, got {value!r}")
    return float(value) if kind == "float" else value


PIXEL_SIZE_HELP = "pixel size of the micrographs"
DIAMETER_HELP = "particle diameter, the longest for elongated particles"
GPU_HELP = "auto (a GPU where there is one), cpu, or the numbers of the GPUs, such as 0,1"
SEED_HELP = "seed of everything random"
RESUME_HELP = "skip what an earlier run has finished"
Y_UP_HELP = "the coordinate files count y from the last row"
PATH: Dict[str, Any] = {"metavar": "FILE_OR_DIR", "is_path": True}
MODEL_PATH: Dict[str, Any] = {"metavar": "MODEL", "is_path": True}
LEARNING_RATE_HELP = "learning rate at its highest; 0: 0.002 from scratch, 0.0005 from a model"


@dataclass(frozen=True)
class CrfParams(Params):
    """A two-label dense CRF; distances count pixels of the network's input."""

    iterations: int = param(5, "mean-field iterations", minimum=1, maximum=100)
    gaussian_weight: float = param(
        1.0, "weight of the smoothness kernel, in logits", minimum=0, maximum=1000
    )
    gaussian_sigma: float = param(
        2.0, "reach of the smoothness kernel", "px", minimum=0.1, maximum=100
    )
    bilateral_weight: float = param(
        0.0, "weight of the appearance kernel, in logits", minimum=0, maximum=1000
    )
    bilateral_sigma: float = param(
        10.0, "reach of the appearance kernel", "px", minimum=0.1, maximum=1000
    )
    feature: str = param(
        "none", "what the appearance kernel compares", choices=("none", "intensity", "logits")
    )
    feature_sigma: float = param(
        1.0, "reach of the appearance kernel in the feature", minimum=0.001, maximum=1000
    )
    intensity_sigma: float = param(
        2.0, "low-pass of the image before intensities are compared", "px", minimum=0.1, maximum=100
    )


NO_CRF = "none"
# Weak on purpose: on real micrographs logit features gain 0.1 to 0.3 % IoU and intensities lose.
CRF_PRESETS: Dict[str, CrfParams] = {
    "gaussian": CrfParams(),
    "intensity": CrfParams(bilateral_weight=0.5, feature="intensity", feature_sigma=0.5),
    "logits": CrfParams(bilateral_weight=1.0, feature="logits", feature_sigma=2.0),
}

FORMATS = ("box", "cbox", "csv")


@dataclass(frozen=True)
class PickParams(Params):
    """Micrographs to coordinates."""

    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = param(
        None, PIXEL_SIZE_HELP + "; left out: from the file's header", "Å/px", minimum=0.01
    )
    model: str = param(
        "general", "model file, or general for the one that is shipped", **MODEL_PATH
    )
    crf: str = param(
        "logits", "conditional random field after the network", choices=(NO_CRF, *CRF_PRESETS)
    )
    threshold: str = param("auto", "lowest score of a pick in [0, 1]; auto: the model's own")
    min_distance: float = param(
        0.5, "smallest distance of two picks, as a fraction of the diameter", minimum=0, maximum=10
    )
    edge: float = param(0.0, "picks nearer than this to the border are dropped", "Å", minimum=0)
    contrast: str = param(
        "auto", "particles are dark or bright; auto: detected", choices=("auto", "dark", "bright")
    )
    masks: bool = param(False, "write instance masks")
    maps: bool = param(False, "write probability maps")
    formats: Tuple[str, ...] = param(
        (), "further coordinate formats beside STAR", choices=FORMATS, metavar="FORMAT"
    )
    overlays: bool = param(False, "write PNG images of the micrographs with their picks")
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("auto", GPU_HELP, metavar="IDS")
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold != "auto":
            _check("threshold", _number("threshold", self.threshold), {"minimum": 0, "maximum": 1})


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ParameterError(f"expected {name} to be auto or a number, got {text!r}") from None


@dataclass(frozen=True)
class TrainParams(Params):
    """Labels to a model."""

    start: str = param(
        "", "model to fine-tune, or general; left out: from scratch", flag="from", **MODEL_PATH
    )
    network: str = param("compact", "network architecture", choices=("compact",))
    loss: str = param("default", "loss function", choices=("default",))
    minutes: Optional[float] = param(None, "training time", "min", minimum=0.01)
    epochs: Optional[int] = param(None, "passes over the micrographs", minimum=1)
    validation: float = param(
        0.2, "fraction of the micrographs kept for validation", minimum=0, maximum=0.9
    )
    pixels_per_diameter: float = param(
        20.0, "particle diameter at the network's input", "px", minimum=4, maximum=200
    )
    batch: int = param(8, "patches in a step", minimum=1)
    patch: int = param(192, "side of a patch", "px", minimum=32, maximum=4096)
    learning_rate: float = param(0.0, LEARNING_RATE_HELP, minimum=0, maximum=1)
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("auto", GPU_HELP, metavar="IDS")
    resume: bool = param(False, "go on with an interrupted training")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minutes is not None and self.epochs is not None:
            raise ParameterError("expected minutes or epochs, got both: leave one out")


@dataclass(frozen=True)
class SimulateParams(Params):
    """Micrographs with exact truth, from a density map or an atomic model."""

    count: int = param(1, "number of micrographs", minimum=1)
    size: Tuple[int, int] = param(
        (1024, 1024), "rows and columns", "px", minimum=64, metavar=("HEIGHT", "WIDTH")
    )
    pixel_size: float = param(2.0, "pixel size", "Å/px", minimum=0.01, maximum=100)
    snr: float = param(
        0.05,
        "variance of the noise-free micrograph over that of the noise",
        minimum=1e-5,
        maximum=1e5,
    )
    molecule: str = param(
        "builtin",
        "map (MRC) or atomic model (PDB, mmCIF), or builtin",
        metavar="FILE",
        is_path=True,
    )
    particles: int = param(
        0, "particles per micrograph; 0: a third of the area is covered", minimum=0
    )
    min_distance: float = param(
        1.0, "smallest distance of two particles, in diameters", minimum=0.01, maximum=100
    )
    defocus_min: float = param(8_000.0, "smallest defocus", "Å", minimum=0, maximum=200_000)
    defocus_max: float = param(25_000.0, "largest defocus", "Å", minimum=0, maximum=200_000)
    astigmatism: float = param(200.0, "largest defocus difference", "Å", minimum=0, maximum=50_000)
    voltage: float = param(300.0, "acceleration voltage", "kV", minimum=10, maximum=3_000)
    spherical_aberration: float = param(2.7, "spherical aberration", "mm", minimum=0, maximum=100)
    amplitude_contrast: float = param(0.1, "amplitude contrast", minimum=0, maximum=1)
    b_factor: float = param(60.0, "fall-off of the signal", "Å²", minimum=0, maximum=10_000)
    dose: float = param(
        0.0, "electrons counted; 0: no counting noise", "e⁻/Å²", minimum=0, maximum=10_000
    )
    ice_blobs: int = param(0, "ice contaminants per micrograph", minimum=0, maximum=1_000)
    ice_gradient: float = param(
        0.0, "rise of the ice's brightness over the image, in noise sd", minimum=0, maximum=100
    )
    carbon: float = param(0.0, "fraction of micrographs with a carbon edge", minimum=0, maximum=1)
    seed: int = param(0, SEED_HELP, minimum=0)
    gpu: str = param("cpu", GPU_HELP, metavar="IDS")
    resume: bool = param(False, RESUME_HELP)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.defocus_min > self.defocus_max:
            raise ParameterError(
                f"expected defocus_min up to defocus_max, got {self.defocus_min:g} and "
                f"{self.defocus_max:g} Å"
            )


@dataclass(frozen=True)
class LabelsCoordinatesParams(Params):
    """Coordinates to label maps of discs."""

    coordinates: str = param(REQUIRED, "coordinate file, or folder of them", **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: Optional[float] = param(
        None, PIXEL_SIZE_HELP + "; left out: from the file's header", "Å/px", minimum=0.01
    )
    y_up: bool = param(False, Y_UP_HELP)
    unknown_ring: float = param(
        0.1,
        "width of the ring around a disc that counts as unknown, in diameters",
        minimum=0,
        maximum=1,
    )
    resume: bool = param(False, RESUME_HELP)


@dataclass(frozen=True)
class EvaluateParams(Params):
    """Picks against reference coordinates."""

    picks: str = param(REQUIRED, "picks: a coordinate file, or a folder", **PATH)
    reference: str = param(REQUIRED, "reference: a coordinate file, or a folder", **PATH)
    diameter: float = param(REQUIRED, DIAMETER_HELP, "Å", minimum=1, maximum=100_000)
    pixel_size: float = param(REQUIRED, PIXEL_SIZE_HELP, "Å/px", minimum=0.01)
    tolerance: float = param(
        0.25, "distance at which a pick counts as right, in diameters", minimum=0.001, maximum=10
    )
    json: bool = param(False, "write the result as JSON to standard output")
    y_up: bool = param(False, "the reference counts y from the last row; needs --height")
    height: Optional[int] = param(None, "rows of the micrographs, for y_up", "px", minimum=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.y_up and self.height is None:
            raise ParameterError("y_up needs the height of the micrographs: give --height")
