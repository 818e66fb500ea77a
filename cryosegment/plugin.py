# SPDX-License-Identifier: GPL-3.0-or-later
"""The Scipion plugin: variables, installation of the core, and commands of the core."""

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

from cryosegment import __version__, installation
from cryosegment.constants import CORE_PACKAGE, HOME_VARIABLE, PYTHON_VARIABLE, TORCH_VARIABLE
from cryosegment.exchange.errors import InputError

GPU_PLACEHOLDER = "%(GPU)s"
CORE_MINIMUM = (3, 10)
ROOT = Path(__file__).resolve().parent.parent
INSTALLED = "installed.txt"
"""File in the core's environment that the recipe writes last."""

MAKE_ENVIRONMENT = (
    "for python in {own} python3 python3.11 python3.12 python3.10; do "
    "if $python -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' "
    "2> /dev/null; then $python -m venv --clear . && exit 0; fi; done; "
    "echo 'cryosegment needs Python 3.10, 3.11 or 3.12: install one, or set CRYOSEGMENT_PYTHON' "
    ">&2; exit 1"
)
"""Shell command: the first interpreter that will do, tried by running it, makes the environment."""


class Plugin(pwem.Plugin):
    """Variables, installation without conda, and commands of the core."""

    __module__ = __package__  # pyworkflow asks the module named here for the package's folder
    _homeVar = HOME_VARIABLE
    _supportedVersions = [__version__]
    _processingField = ["SPA"]
    _url = "https://pypi.org/project/scipion-em-cryosegment"

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
        cls._defineVar(
            TORCH_VARIABLE,
            "",
            description="Build of torch that the installation takes: cpu, cuda, a CUDA version "
            "such as cu126, or a requirement with pip's options. Empty: cuda where an NVIDIA "
            "driver is, else cpu.",
            var_type=VarTypes.STRING,
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
            If it fails; the reason is on standard error.
        """
        command = [cls.getPython(), "-m", "cryosegment", *arguments]
        subprocess.run(command, check=True, env=cls.getEnviron())

    @classmethod
    def startCore(cls, *arguments: str, log: str) -> subprocess.Popen[bytes]:
        """Start a `cryosegment` command outside any protocol; its output goes to `log`.

        Raises
        ------
        InputError
            If the interpreter is not there, or the log cannot be written.
        """
        command = [cls.getPython(), "-m", "cryosegment", *arguments]
        try:
            with open(log, "wb") as stream:
                return subprocess.Popen(command, stdout=stream, stderr=stream, env=cls.getEnviron())
        except OSError as error:
            raise InputError(
                f"cannot start the core: {error.filename}: {error.strerror}; check that it is "
                "there, and permitted"
            ) from error

    @classmethod
    def hasGpu(cls) -> bool:
        """Whether an NVIDIA driver is seen on this machine."""
        return installation.has_nvidia_driver()

    @classmethod
    def validateInstallation(cls) -> List[str]:
        """Errors in one list; empty where the core's environment is there, and complete."""
        python = cls.getPython()
        if cls.getVar(PYTHON_VARIABLE):
            if shutil.which(python):
                return []
            return [
                f"{PYTHON_VARIABLE} is {python}, which is not a Python interpreter: correct it."
            ]
        if python == sys.executable or os.path.exists(cls.getHome(INSTALLED)):
            return []
        return [
            f"The segmentation core is not installed in {cls.getHome()}, or its installation "
            "broke off.",
            f"Run *scipion3 installb {CORE_PACKAGE}*, or set {PYTHON_VARIABLE} to a Python "
            "(3.10 to 3.12) that has scipion-em-cryosegment[core].",
        ]

    @classmethod
    def getInstallCommands(cls) -> List[Tuple[str, Sequence[str]]]:
        """Shell command that builds the core's environment in the current folder, anew.

        What broke off is begun again: only the file that is written last says that it is there.
        """
        python = "env -u PYTHONPATH ./bin/python"
        core = f"scipion-em-cryosegment[core]=={__version__}"
        words = [installation.__file__, "--torch", cls.getVar(TORCH_VARIABLE)]
        words += ["--editable", f"{ROOT}[core]"] if (ROOT / "setup.py").exists() else [core]
        steps = [
            f"({MAKE_ENVIRONMENT.format(own=shlex.quote(sys.executable))})",
            f"{python} {' '.join(map(shlex.quote, words))}",
            f"{python} -m cryosegment --version > version.txt",
            f"mv version.txt {INSTALLED}",
        ]
        return [(" && ".join(steps), [INSTALLED])]

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
