# SPDX-License-Identifier: GPL-3.0-or-later
"""The Scipion plugin: variables, installation of the core, and how it is called."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, List, Sequence, Tuple

import pwem
from pyworkflow import VarTypes
from pyworkflow.utils import Environ

from cryosegment import __version__
from cryosegment.constants import CORE_PACKAGE, HOME_VARIABLE, PYTHON_VARIABLE

GPU_PLACEHOLDER = "%(GPU)s"
CORE_MINIMUM = (3, 10)
ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "requirements" / "constraints.txt"

MAKE_ENVIRONMENT = (
    "for python in {own} python3.12 python3.11 python3.10 python3; do "
    "if $python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' "
    "2> /dev/null; then $python -m venv . && exit 0; fi; done; "
    "echo 'cryosegment needs Python 3.10, 3.11 or 3.12: install one, or set CRYOSEGMENT_PYTHON' "
    ">&2; exit 1"
)
"""Shell command: the first interpreter that will do, tried by running it, makes the environment."""


class Plugin(pwem.Plugin):
    """Variables, installation without conda, and the one place that builds commands."""

    __module__ = __package__  # pyworkflow asks the module named here for the package's folder
    _homeVar = HOME_VARIABLE
    _supportedVersions = [__version__]
    _processingField = ["SPA"]

    @classmethod
    def _defineVariables(cls) -> None:
        cls._defineEmVar(
            HOME_VARIABLE,
            f"{CORE_PACKAGE}-{__version__}",
            description="Folder of the virtual environment with the segmentation core (torch).",
            var_type=VarTypes.FOLDER,
        )
        cls._defineVar(
            PYTHON_VARIABLE,
            "",
            description="Python interpreter (3.10 to 3.12) of another environment that has "
            "scipion-em-cryosegment[core]. Empty: Scipion's own where it has torch, else the "
            f"one in {HOME_VARIABLE}.",
            var_type=VarTypes.PATH,
        )

    @classmethod
    def getEnviron(cls) -> Environ:
        """Environment of the core: without Scipion's own Python path."""
        environ = Environ(os.environ)
        environ.pop("PYTHONPATH", None)
        return environ

    @classmethod
    def getPython(cls) -> str:
        """Python interpreter of the core."""
        named = cls.getVar(PYTHON_VARIABLE)
        if named:
            return os.path.expanduser(named)
        if sys.version_info >= CORE_MINIMUM and find_spec("torch") is not None:
            return sys.executable
        return cls.getHome("bin", "python")

    @classmethod
    def getCommand(cls, *arguments: str, gpu: bool = False) -> Tuple[str, List[str]]:
        """Program and arguments of a `cryosegment` command, for `Protocol.runJob`.

        With `gpu`, Scipion fills in the GPUs it assigns to the step.
        """
        words = ["-m", "cryosegment", *arguments]
        if gpu:
            words += ["--gpu", GPU_PLACEHOLDER]
        return shlex.quote(cls.getPython()), words

    @classmethod
    def runCore(cls, *arguments: str) -> None:
        """Run a `cryosegment` command outside any protocol.

        Raises
        ------
        CalledProcessError
            If it fails; it has said why on standard error.
        """
        command = [cls.getPython(), "-m", "cryosegment", *arguments]
        subprocess.run(command, check=True, env=cls.getEnviron())

    @classmethod
    def startCore(cls, *arguments: str, log: str) -> subprocess.Popen[bytes]:
        """Start a `cryosegment` command outside any protocol; what it says goes to `log`."""
        command = [cls.getPython(), "-m", "cryosegment", *arguments]
        with open(log, "wb") as stream:
            return subprocess.Popen(command, stdout=stream, stderr=stream, env=cls.getEnviron())

    @classmethod
    def hasGpu(cls) -> bool:
        """Whether an NVIDIA driver is seen on this machine."""
        return os.path.exists("/proc/driver/nvidia/version") or bool(shutil.which("nvidia-smi"))

    @classmethod
    def validateInstallation(cls) -> List[str]:
        """Errors in one list; empty where the core's interpreter is there."""
        python = cls.getPython()
        if shutil.which(python):
            return []
        if cls.getVar(PYTHON_VARIABLE):
            return [
                f"{PYTHON_VARIABLE} is {python}, which is not a Python interpreter: correct it."
            ]
        return [
            f"The segmentation core is not installed: expected a Python interpreter at {python}.",
            f"Run *scipion3 installb {CORE_PACKAGE}*, or set {PYTHON_VARIABLE} to a Python "
            "(3.10 to 3.12) that has scipion-em-cryosegment[core].",
        ]

    @classmethod
    def getInstallCommands(cls) -> List[Tuple[str, Sequence[str]]]:
        """Shell commands that build the core's environment in the current folder."""
        python = "env -u PYTHONPATH ./bin/python"
        core = f"scipion-em-cryosegment[core]=={__version__}"
        words = ["-e", f"{ROOT}[core]"] if (ROOT / "setup.py").exists() else [core]
        words += ["-c", str(CONSTRAINTS)] if CONSTRAINTS.exists() else []
        install = f"{python} -m pip install {' '.join(map(shlex.quote, words))}"
        return [
            (MAKE_ENVIRONMENT.format(own=shlex.quote(sys.executable)), ["bin/python"]),
            (f"{install} && {python} -m cryosegment --version > installed.txt", ["installed.txt"]),
        ]

    @classmethod
    def defineBinaries(cls, env: Any) -> None:
        """Register the recipe of the core's environment."""
        env.addPackage(
            CORE_PACKAGE,
            version=__version__,
            tar="void.tgz",
            commands=cls.getInstallCommands(),
            neededProgs=[],
            default=find_spec("torch") is None,
        )
