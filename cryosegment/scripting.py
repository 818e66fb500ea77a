# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion from a script: its environment, and a project whose protocols run one by one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

SYSTEM_RELION = Path("/usr/bin/relion_refine")
HOSTS = """[localhost]
PARALLEL_COMMAND = mpirun {options}-np %_(JOB_NODES)d %_(COMMAND)s
"""


def scipion_environment(home: Path) -> Dict[str, str]:
    """Environment variables of a Scipion whose home, projects and logs lie in `home`.

    RELION is the system's, such as Debian's package, where RELION_HOME names no other.
    """
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    environment = {
        "SCIPION_HOME": str(home),
        "SCIPION_USER_DATA": str(home),
        "SCIPION_DOMAIN": "pwem",
        "SCIPION_PRIORITY_PACKAGE_LIST": "pwem",
        "SCIPION_PYTHON": sys.executable,
        "SCIPION_NOTIFY": "False",
        "PATH": os.pathsep.join(folders),
    }
    if "RELION_HOME" not in os.environ and SYSTEM_RELION.exists():
        environment["RELION_HOME"] = str(SYSTEM_RELION.parents[1])
    return environment


def prepare_scipion(home: Path) -> None:
    """Make a Scipion home in `home` and set this process's environment for it.

    Call it before pyworkflow is imported: it reads the environment then.
    """
    home = home.resolve()
    config = home / "config"
    config.mkdir(parents=True, exist_ok=True)
    options = "--allow-run-as-root " if os.geteuid() == 0 else ""
    (config / "hosts.conf").write_text(HOSTS.format(options=options), encoding="utf-8")
    os.environ.update(scipion_environment(home))


class RunError(Exception):
    """A protocol failed; the message says which, and where to look."""


class ScriptedProject:
    """A new Scipion project; protocols are run in it one by one.

    Call `prepare_scipion` before. The process works in the project's folder from then on, as
    Scipion's paths are relative to it.

    Parameters
    ----------
    name
        Of the project.
    """

    def __init__(self, name: str) -> None:
        import pyworkflow
        from pyworkflow.project import Manager

        self.domain = pyworkflow.Config.getDomain()
        self.domain.getPlugins()
        self.project = Manager().createProject(name)
        os.chdir(self.project.path)

    def plugin(self, name: str) -> Any:
        """A class of another plugin, by its full name."""
        module, _, kind = name.rpartition(".")
        return self.domain.importFromPlugin(module, kind, doRaise=True)

    def run(
        self,
        protocol_class: Any,
        label: str,
        inputs: Sequence[Tuple[str, Any, str]] = (),
        **options: Any,
    ) -> Any:
        """A finished protocol.

        Parameters
        ----------
        protocol_class
            Its class.
        label
            Its name in the project; a line with it is printed.
        inputs
            Parameters that point to an output: name, protocol, and name of its output. Those that
            take several outputs are named with each.
        **options
            All other parameters.

        Raises
        ------
        RunError
            If it fails.
        """
        from pyworkflow.object import Pointer, PointerList

        print(f"{label[:1].upper()}{label[1:]} ...", flush=True)
        protocol = self.project.newProtocol(protocol_class, **options)
        protocol.setObjLabel(label)
        for name, source, extended in inputs:
            pointer = Pointer(source, extended=extended)
            if isinstance(getattr(protocol, name), PointerList):
                getattr(protocol, name).append(pointer)
            else:
                getattr(protocol, name).copy(pointer)
        self.project.launchProtocol(protocol, wait=True)
        if not protocol.isFinished():
            log = Path(protocol.getStderrLog()).resolve()
            raise RunError(f"{label} failed: {protocol.getErrorMessage()}; see {log}")
        return protocol
