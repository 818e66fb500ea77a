# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion from a script: the environment that it needs before it is imported."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Dict

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
