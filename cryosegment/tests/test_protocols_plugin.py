# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin as Scipion sees it: discovery, forms, the core's interpreter, installation."""

from __future__ import annotations

import os
import sys
from typing import MutableMapping

from cryosegment import __version__
from cryosegment.exchange.params import PickParams
from cryosegment.tests.scripted import (
    CryoSegmentProtPick,
    Installer,
    Plugin,
    ProtocolTest,
    domain,
)

FORM_NAMES = {
    "minDistance": "min_distance",
    "minDiameter": "min_diameter",
    "maxDiameter": "max_diameter",
    "crfSolver": "crf_solver",
    "crfStrength": "crf_strength",
}
FORM_FIELDS = (
    *("diameter", "contrast", "threshold", "minDistance", "edge"),
    *("centers", "minDiameter", "maxDiameter"),
    *("crf", "crfSolver", "crfStrength", "masks", "maps"),
)


class TestCryoSegmentPlugin(ProtocolTest):
    """What needs no run."""

    def testDiscovery(self) -> None:
        """Scipion finds the protocols, objects and viewers, and parses the citations."""
        kinds = ("ImportModel", "Labels", "Pick", "Simulate", "Train")
        assert {f"CryoSegmentProt{kind}" for kind in kinds} <= set(domain().getProtocols())
        assert {"SegmentationModel", "SetOfMicrographMasks"} <= set(domain().getObjects())
        viewers = [
            viewer.__name__ for viewer in domain().findViewers(self.newPick(None), "tkinter")
        ]
        assert viewers == ["CryoSegmentViewerPick"]
        citations = " ".join(self.newPick(None).citations())
        assert "Chung et al., arXiv, 2025" in citations
        assert "10.1093/bib/bbae282" in citations

    def testFormDefaults(self) -> None:
        """Every field of the form starts with the default of the parameter record."""
        pick = self.newProtocol(CryoSegmentProtPick)
        defaults = PickParams(diameter=100.0)
        for name in FORM_FIELDS:
            expected = getattr(defaults, FORM_NAMES.get(name, name))
            param = pick.getParam(name)
            value = (
                param.choices[int(param.default.get())]
                if hasattr(param, "choices")
                else (getattr(pick, name).get())
            )
            assert value == (None if name == "diameter" else expected), name
            assert len(param.help.get()) > 10, name

    def set(self, variables: MutableMapping[str, str], name: str, value: str) -> None:
        """Set a variable until the test ends."""
        before = variables.get(name)
        restore = variables.pop if before is None else variables.__setitem__
        self.addCleanup(restore, name, before)
        variables[name] = value

    def testInterpreter(self) -> None:
        """CRYOSEGMENT_PYTHON decides; a wrong one is named; without it, one with torch is."""
        self.set(Plugin.getVars(), "CRYOSEGMENT_PYTHON", "/nowhere/python")
        assert Plugin.getPython() == "/nowhere/python"
        assert "/nowhere/python" in Plugin.validateInstallation()[0]
        self.set(Plugin.getVars(), "CRYOSEGMENT_PYTHON", "")
        has_torch = any(os.path.isdir(os.path.join(path, "torch")) for path in sys.path)
        own = sys.executable if has_torch else Plugin.getHome("bin", "python")
        assert Plugin.getPython() == own

    def testCommand(self) -> None:
        """The GPU's placeholder is a word of its own, and there only when a GPU is used."""
        self.set(Plugin.getVars(), "CRYOSEGMENT_PYTHON", "/my folder/python")
        program, words = Plugin.getCommand("run", "job.json", gpu=True)
        assert program == "'/my folder/python'"
        assert words == ["-m", "cryosegment", "run", "job.json", "--gpu", "%(GPU)s"]
        assert "--gpu" not in Plugin.getCommand("run", "job.json")[1]
        self.set(os.environ, "PYTHONPATH", "/elsewhere")
        assert "PYTHONPATH" not in Plugin.getEnviron()

    def testRecipe(self) -> None:
        """Scipion's installer gets a venv of this very version, in single shell lines."""
        name = os.path.basename(Plugin.getHome())
        installer = Installer()
        Plugin.defineBinaries(installer)
        commands = [command._cmd for command in installer.getTarget(name)._finalCommands[:2]]
        assert name.endswith(f"-{__version__}")
        assert not any("\n" in command for command in commands)  # the installer would split them
        assert "-m venv ." in commands[0]
        assert "[core]" in commands[1]
        assert "conda" not in " ".join(commands)
