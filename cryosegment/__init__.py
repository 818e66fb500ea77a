# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles in cryo-EM micrographs by segmentation, for Scipion, the command line and Python.

From Python::

    import cryosegment as cs
    model = cs.load_model("general")
    picks = cs.pick("micrograph.mrc", model, diameter=160)
"""

from importlib import import_module
from typing import TYPE_CHECKING, List

if TYPE_CHECKING:
    from cryosegment.core.images.micrograph import Micrograph, read_micrograph
    from cryosegment.core.models.model import Model, load_model
    from cryosegment.core.pipeline.in_memory import pick, pick_many
    from cryosegment.core.pipeline.picks import Picks
    from cryosegment.exchange.coordinates import Coordinates, read_coordinates
    from cryosegment.exchange.errors import CryoSegmentError

__version__ = "0.1.0"
_logo = "logo.png"
_references = ["Krahenbuhl2011"]

_HOMES = {
    "Coordinates": "exchange.coordinates",
    "CryoSegmentError": "exchange.errors",
    "Micrograph": "core.images.micrograph",
    "Model": "core.models.model",
    "Picks": "core.pipeline.picks",
    "Plugin": "plugin",
    "load_model": "core.models.model",
    "pick": "core.pipeline.in_memory",
    "pick_many": "core.pipeline.in_memory",
    "read_coordinates": "exchange.coordinates",
    "read_micrograph": "core.images.micrograph",
}
"""Modules of the public names, imported on demand: Scipion needs no torch, the core no Scipion."""

__all__ = [
    "Coordinates",
    "CryoSegmentError",
    "Micrograph",
    "Model",
    "Picks",
    "load_model",
    "pick",
    "pick_many",
    "read_coordinates",
    "read_micrograph",
]


def __getattr__(name: str) -> object:
    """A public name, from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cryosegment' has no attribute {name!r}")
    return getattr(import_module(f"cryosegment.{_HOMES[name]}"), name)


def __dir__() -> List[str]:
    """All names, for completion."""
    return sorted({*globals(), *__all__})
