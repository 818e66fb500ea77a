# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports point inwards only, along the arrows of `docs/architecture.md`."""

import pytest

from cryosegment.tests.imports import PACKAGE, imports_of

HEAVY = {"torch", "monai", "skimage", "cv2", "scipy"}
SCIPION = {"pwem", "pyworkflow", "scipion", "relion"}
SHELL = "shell"
"""All that is in no other layer."""
ARROWS = {
    "exchange": (),
    "core": ("exchange",),
    "window": ("exchange",),
    "cli": ("exchange", "core", "window"),
    SHELL: ("exchange", "window"),
}
"""Layers, and which others each may import."""
FORBIDDEN = {
    "exchange": {*HEAVY, *SCIPION},
    "core": SCIPION,
    "window": {*HEAVY, *SCIPION},
    "cli": SCIPION,
    SHELL: HEAVY,
}
"""What a layer may not import of others' packages."""
ROOMS = {
    "datasets": (),
    "optics": (),
    "networks": (),
    "crf": (),
    "picking": (),
    "consensus": ("report",),
    "images": ("optics",),
    "report": ("images",),
    "evaluation": ("images", "report"),
    "survey": ("images", "consensus", "report"),
    "models": ("images", "networks", "picking"),
    "simulation": ("images", "optics", "models"),
    "labels": ("images", "optics"),
    "pipeline": ("images", "networks", "models", "crf", "picking"),
    "quality": ("images", "models", "picking", "report", "evaluation", "labels", "pipeline"),
    "tuning": (
        "images",
        "report",
        "networks",
        "models",
        "crf",
        "picking",
        "evaluation",
        "labels",
        "pipeline",
    ),
    "training": (
        "images",
        "networks",
        "models",
        "crf",
        "picking",
        "evaluation",
        "labels",
        "simulation",
        "pipeline",
        "tuning",
        "report",
    ),
    "particles": (
        "images",
        "optics",
        "report",
        "networks",
        "models",
        "simulation",
        "training",
        "tuning",
    ),
    "screening": (
        "images",
        "models",
        "picking",
        "evaluation",
        "labels",
        "simulation",
        "pipeline",
        "training",
        "tuning",
    ),
}
"""Rooms of the core, and which others each may import."""


def layer_of(parts):
    """Layer of a module or file, by the parts of its path below the package."""
    return parts[0] if parts[0] in ARROWS else SHELL


def violations(path, root=PACKAGE):
    """Imports of a file of the package at `root` against the arrows."""
    parts = path.relative_to(root).parts
    package = ".".join(["cryosegment", *parts[:-1]])
    own = layer_of(parts)
    for name in imports_of(path, package):
        first, *inner = name.split(".")
        if first != "cryosegment":
            is_allowed = first not in FORBIDDEN[own]
        elif not inner or inner[0].startswith("__"):
            is_allowed = True
        elif layer_of(inner) != own:
            is_allowed = layer_of(inner) in ARROWS[own]
        else:
            rooms = [room for room in inner[1:2] if own == "core" and room in ROOMS]
            is_allowed = all(room in (parts[1], *ROOMS.get(parts[1], ())) for room in rooms)
        if not is_allowed:
            yield name


# the package itself names the core for type checkers alone; test_api.py sees what it imports
FILES = [
    path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.relative_to(PACKAGE).parts[0] not in ("tests", "__main__.py", "__init__.py")
]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_inwards(path):
    assert list(violations(path)) == []


@pytest.mark.parametrize(
    ("where", "line"),
    [
        ("exchange/x.py", "import torch"),
        ("exchange/x.py", "from ..core import pipeline"),
        ("core/crf/x.py", "from cryosegment.core.images import tiles"),
        ("core/crf/x.py", "from ..picking.centers import find_candidates"),
        ("core/x.py", "import pwem.objects"),
        ("core/x.py", "from cryosegment.window import image"),
        ("exchange/x.py", "from cryosegment import masks"),
        ("cli/x.py", "from cryosegment.viewers import results"),
        ("core/pipeline/x.py", "from cryosegment.core.training.train import train"),
        ("core/new_room/x.py", "from cryosegment.core.images import tiles"),
        ("protocols/x.py", "from cryosegment.core.pipeline.batch import pick_micrographs"),
        ("plugin.py", "import torch"),
        ("window/x.py", "import pwem.viewers"),
        ("window/x.py", "from cryosegment.wizards import wizard_box"),
        ("window/x.py", "from cryosegment.viewers.plots import draw_mask"),
    ],
)
def test_a_violation_is_found(tmp_path, where, line):
    path = tmp_path / where
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(line)
    assert list(violations(path, tmp_path))


def test_every_folder_of_modules_is_installed() -> None:
    """A folder without `__init__.py` is left out of packages."""
    folders = {
        path.parent for path in PACKAGE.rglob("*.py") if PACKAGE / "tests" not in path.parents
    }
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
