# SPDX-License-Identifier: GPL-3.0-or-later
"""The plugin as Scipion sees it: discovery, forms, the core's interpreter, installation."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from typing import Any, MutableMapping

from cryosegment import __version__
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import LabelsReconstructionParams, PickParams, TrainParams
from cryosegment.tests.imports import PACKAGE
from cryosegment.tests.scripted import (
    CryoSegmentProtLabels,
    CryoSegmentProtPick,
    CryoSegmentProtTrain,
    Installer,
    Plugin,
    ProtocolTest,
    domain,
    form_values,
    protocols,
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
        listed = re.findall(r'"value": "(\w+)"', (PACKAGE / "protocols.conf").read_text("utf-8"))
        assert sorted(listed) == sorted(protocols.__all__)
        assert set(listed) <= set(domain().getProtocols())
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

    def testFormValues(self) -> None:
        """Fields become the parameters of their record, as runs of the first version keep them."""
        pick = self.newProtocol(CryoSegmentProtPick, diameter=160.0, threshold=" AUTO ", crf=1)
        values = form_values(pick, PickParams, are_hidden=True)
        assert values == {
            **{"diameter": 160.0, "contrast": "auto", "masks": False, "maps": False},
            **{"threshold": "auto", "centers": "auto", "min_distance": "auto", "edge": 0.5},
            **{"min_diameter": "auto", "max_diameter": "auto"},
            **{"contaminated": "drop", "exclude": "", "sam": "", "recenter": False},
            **{"filaments": "drop", "mask_scale": "working", "size_classes": "none"},
            **{"crf": "none", "crf_solver": "auto", "crf_strength": 1.0},
        }
        hidden = {"crf_solver", "crf_strength", "mask_scale", "sam"}
        assert set(values) - set(form_values(pick, PickParams)) == hidden
        labels = self.newProtocol(CryoSegmentProtLabels, source=1, classes="1, 3.0")
        values = form_values(labels, LabelsReconstructionParams)
        assert values["classes"] == [1, 3]
        shared = [values[name] for name in ("edge_width", "unknown_ring", "footprint")]
        assert shared == [10.0, 0.03, "silhouette"]
        assert "diameter" not in values
        train = self.newProtocol(CryoSegmentProtTrain)
        assert set(form_values(train, TrainParams)) == {
            *("augmentation", "batch", "crf", "front_end", "labels_are", "learning_rate", "loss"),
            *("patch", "patience", "pixels_per_diameter", "schedule", "seed", "validation"),
        }

    def testNames(self) -> None:
        """Protocols are told apart by their names, and say where the plugin is from."""
        names = [getattr(protocols, name).getClassLabel() for name in protocols.__all__]
        assert not [a for a in names for b in names if a != b and b.endswith(a.split(" - ")[1])]
        assert CryoSegmentProtPick.getUrl().startswith("https://")

    def testPage(self) -> None:
        """The guide's page of all forms is what they are."""
        script = runpy.run_path(str(PACKAGE.parent / "scripts" / "write_parameter_pages.py"))
        page = PACKAGE.parent / "docs" / "guide" / "forms.md"
        assert page.read_text("utf-8") == script["forms_page"]()

    def testWords(self) -> None:
        """What the core says names the fields of the form that shows, and counts as people do."""
        labels = self.newProtocol(CryoSegmentProtLabels, source=1)
        for said, expected in (
            ("cryosegment: leave --min-score out", "leave *Smallest score* out"),
            ("no GPU: give --gpu cpu, or another", "no GPU: give *GPU IDs: No*, or another"),
            ("GPU 9: see --gpu", "GPU 9: see *GPU IDs*"),
            ("give --map or --mask", "give *Volume* or *Mask*"),
            ("give `--map-pixel-size`", "give the pixel size of *Volume*"),
            ("--unheard-of stays", "--unheard-of stays"),
            (
                "expected low pass to be at most 100 Å",
                "expected *Low-pass (Å)* to be at most 100 Å",
            ),
            ("expected a volume, got none", "expected a volume, got none"),
        ):
            assert labels.inFormWords(said) == expected

    def set(self, variables: MutableMapping[str, Any], name: str, value: Any) -> None:
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
        no_file = "/nowhere/python: No such file"
        with self.assertRaisesRegex(InputError, no_file):  # noqa: PT027  # Scipion may lack pytest
            Plugin.startCore("card", log=os.devnull)
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

    def recipe(self) -> str:
        """The shell line of Scipion's installer that makes the core's environment."""
        installer = Installer()
        Plugin.defineBinaries(installer)
        command, _ = installer.getTarget(f"cryosegment-{__version__}")._finalCommands
        return command._cmd

    def testRecipe(self) -> None:
        """Scipion's installer gets a venv of this very version, in a single shell line."""
        assert Plugin.getHome().endswith(f"-{__version__}")
        assert "\n" not in self.recipe()  # the installer would split it
        assert "-m venv --clear ." in self.recipe()
        assert "installation.py --torch '' " in self.recipe()
        assert "[core]" in self.recipe()
        assert "conda" not in self.recipe()
        self.set(Plugin.getVars(), "CRYOSEGMENT_TORCH", "cu126")
        assert "installation.py --torch cu126 " in self.recipe()

    def testInstallationThatBreaksOff(self) -> None:
        """An environment with a Python, but without the core, is not taken for the core's."""
        home = self.folder / "home"
        home.mkdir()
        self.set(sys.modules, "torch", None)  # as in a Scipion that has none
        self.set(Plugin.getVars(), "CRYOSEGMENT_PYTHON", "")
        self.set(Plugin.getVars(), "CRYOSEGMENT_HOME", str(home))
        self.set(os.environ, "PIP_NO_INDEX", "1")
        self.set(os.environ, "PIP_FIND_LINKS", str(home))
        self.set(os.environ, "PIP_CONFIG_FILE", os.devnull)
        recipe = subprocess.run(self.recipe(), shell=True, cwd=home, capture_output=True, text=True)
        assert recipe.returncode != 0
        assert "torch==" in recipe.stderr
        assert os.access(Plugin.getPython(), os.X_OK)  # so far it went
        errors = " ".join(Plugin.validateInstallation())
        assert str(home) in errors
        assert "*scipion3 installb cryosegment*" in errors
        (home / "installed.txt").touch()
        assert Plugin.validateInstallation() == []
