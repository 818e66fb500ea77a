# SPDX-License-Identifier: GPL-3.0-or-later
"""A Scipion project that picks micrographs while they come, and whose run is killed twice."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil

from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.scripting import prepare_scipion

BATCH = 16
KILLED_AT = (0.2, 0.6)
"""Fractions of the micrographs that are done when the run is killed."""
FEED, PAUSE = 10, 0.5
"""Micrographs that come at a time, and seconds between."""
END = 60
"""Seconds without a micrograph after which the import ends."""
LOOK = 1.0
"""Seconds between two looks at the run."""


def pick_while_they_come(
    home: Path, source: Path, fill: Callable[[Iterable[int]], None], count: int
) -> tuple[Path, list[str]]:
    """Extra folder of the run, and the name of each micrograph in its coordinates.

    Parameters
    ----------
    home
        For Scipion and the project.
    source
        Folder that the import looks at.
    fill
        Puts micrographs there, by their numbers.
    count
        Number of micrographs.
    """
    prepare_scipion(home)
    import pyworkflow
    from pyworkflow.project import Manager

    pyworkflow.Config.getDomain().getPlugins()
    fill(range(FEED))
    project = Manager().createProject("soak")
    os.chdir(project.path)  # Scipion's paths are relative to it
    feeder = threading.Thread(target=feed, args=(fill, count))
    feeder.start()
    source_run = start_import(project, source)
    run = start_picking(project, source_run)
    for share in KILLED_AT:
        wait_for(project, run, round(share * count))
        kill(run)
        project._updateProtocol(run)
        print(f"killed at {done(run)} of {count}", flush=True)
        project.launchProtocol(run, wait=False)
    feeder.join()
    while is_running(project, source_run) or is_running(project, run):
        time.sleep(LOOK)
    if not run.isFinished():
        raise SystemExit(f"the run ended as {run.getStatus()}: {run.getErrorMessage()}")
    rows = run.outputCoordinates.aggregate(["COUNT"], "_micName", ["_micName"])
    return Path(run._getExtraPath()).resolve(), [Path(row["_micName"]).stem for row in rows]


def feed(fill: Callable[[Iterable[int]], None], count: int) -> None:
    """Let the micrographs after the first come."""
    for first in range(FEED, count, FEED):
        time.sleep(PAUSE)
        fill(range(first, min(first + FEED, count)))


def start_import(project: Any, source: Path) -> Any:
    """An import of what comes, which has begun."""
    from pwem.protocols import ProtImportMicrographs
    from soak import PIXEL_SIZE

    run = project.newProtocol(
        ProtImportMicrographs,
        filesPath=str(source),
        filesPattern="*.mrc",
        samplingRateMode=0,
        samplingRate=PIXEL_SIZE,
        magnification=50000,
        voltage=300,
        sphericalAberration=2.7,
        dataStreaming=True,
        timeout=str(END),
        fileTimeout="1",
    )
    project.launchProtocol(run, wait=False)
    while not run.hasAttribute("outputMicrographs"):
        time.sleep(LOOK)
        if not is_running(project, run):
            raise SystemExit(f"the import ended as {run.getStatus()}: {run.getErrorMessage()}")
    return run


def start_picking(project: Any, source_run: Any) -> Any:
    """A picking run of what the import gives."""
    from soak import DIAMETER

    from cryosegment.protocols import CryoSegmentProtPick

    options = {"useGpu": False, "binThreads": 1, "streamingBatchSize": BATCH}
    run = project.newProtocol(CryoSegmentProtPick, diameter=DIAMETER, **options)
    run.inputMicrographs.set(source_run)
    run.inputMicrographs.setExtended("outputMicrographs")
    project.launchProtocol(run, wait=False)
    return run


def is_running(project: Any, run: Any) -> bool:
    """Whether a run goes on."""
    project._updateProtocol(run)
    return bool(run.isActive())


def done(run: Any) -> int:
    """Micrographs that a run has picked."""
    return len(PickFolder(run._getExtraPath()).names(COORDINATES))


def wait_for(project: Any, run: Any, number: int) -> None:
    """Wait until a run has picked some micrographs."""
    while done(run) < number:
        if not is_running(project, run):
            raise SystemExit(f"the run ended as {run.getStatus()}: {run.getErrorMessage()}")
        time.sleep(LOOK)


def kill(run: Any) -> None:
    """End a run with all that it has started, as a crash of the machine would."""
    parent = psutil.Process(run.getPid())
    processes = [parent, *parent.children(recursive=True)]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes)
