# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports point inwards only: shell -> exchange <- cli -> core -> exchange, and window -> exchange.

The window is opened by the shell and by the command line.
"""

import pytest

from cryosegment.tests.imports import PACKAGE, imports_of

HEAVY = {"torch", "monai", "skimage", "cv2", "scipy"}
SCIPION = {"pwem", "pyworkflow", "scipion", "relion"}
FORBIDDEN = {
    "exchange": {"cryosegment.core", "cryosegment.cli", *HEAVY, *SCIPION},
    "core": {"cryosegment.cli", "cryosegment.protocols", "cryosegment.plugin", *SCIPION},
    "cli": {"cryosegment.protocols", "cryosegment.plugin", *SCIPION},
    "window": {
        "cryosegment.core",
        "cryosegment.cli",
        "cryosegment.protocols",
        "cryosegment.viewers",
        "cryosegment.plugin",
        *HEAVY,
        *SCIPION,
    },
    "shell": {"cryosegment.core", "cryosegment.cli", *HEAVY},
}
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
LAYERS = ("exchange", "core", "cli", "window")


def violations(path, root=PACKAGE):
    """Imports of a file of the package at `root` against the arrows."""
    parts = path.relative_to(root).parts
    package = ".".join(["cryosegment", *parts[:-1]])
    forbidden = set(FORBIDDEN[parts[0] if parts[0] in LAYERS else "shell"])
    if parts[0] == "core":
        allowed = (parts[1], *ROOMS.get(parts[1], ()))
        forbidden |= {f"cryosegment.core.{room}" for room in ROOMS if room not in allowed}
    for name in imports_of(path, package):
        if any(name == banned or name.startswith(banned + ".") for banned in forbidden):
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
        ("core/pipeline/x.py", "from cryosegment.core.training.train import train"),
        ("core/new_room/x.py", "from cryosegment.core.images import tiles"),
        ("protocols/x.py", "from cryosegment.core.pipeline.batch import pick_micrographs"),
        ("plugin.py", "import torch"),
        ("window/x.py", "import pwem.viewers"),
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
