# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted Scipion project from micrographs to coordinates: `python -m cryosegment.demo`."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, List, Optional, Sequence

from cryosegment.scripting import (
    RunError,
    ScriptedProject,
    prepare_scipion,
    scipion_environment,
)

PROJECT = "cryosegment_demo"
SIMULATED_PIXEL_SIZE = 1.5  # Å/px
SIMULATION = {
    "count": 4,
    "size": (2048, 2048),
    "pixel-size": SIMULATED_PIXEL_SIZE,
    "snr": 0.05,
    "ice-blobs": 2,
    "ice-gradient": 1,
    "carbon": 0.25,
    "seed": 1,
}


@dataclass(frozen=True)
class Micrographs:
    """Micrographs of the demo: pattern, pixel size (Å/px), diameter (Å), and truth if known."""

    pattern: Path
    pixel_size: float
    diameter: float
    truth: Optional[Path] = None


def main(args: Optional[Sequence[str]] = None) -> int:
    """Exit status of the demo: 0, or 1 after a step that failed."""
    namespace = _parser().parse_args(args)
    own = (namespace.pixel_size, namespace.diameter)
    if namespace.micrographs and None in own:
        print("cryosegment: --micrographs needs --pixel-size and --diameter", file=sys.stderr)
        return 2
    output = Path(namespace.output).resolve()
    given = (
        Micrographs(Path(os.path.abspath(namespace.micrographs)), *own)
        if (namespace.micrographs)
        else None
    )
    try:
        run_demo(output, given)
    except (RunError, CalledProcessError) as error:
        print(f"cryosegment: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cryosegment.demo", description=__doc__)
    parser.add_argument("--output", default="demo", help="folder for the results")
    parser.add_argument(
        "--micrographs", metavar="GLOB", help="your own micrographs; if left out, simulated ones"
    )
    parser.add_argument(
        "--pixel-size", type=float, metavar="A", help="pixel size of your own micrographs, Å/px"
    )
    parser.add_argument(
        "--diameter", type=float, metavar="A", help="diameter of your own particles, Å"
    )
    return parser


def run_demo(output: Path, given: Optional[Micrographs]) -> None:
    """Make the project in `output`, replacing an old one; print the results and how to open it.

    Raises
    ------
    RunError
        If a protocol fails.
    CalledProcessError
        If a command of the core fails.
    """
    home = output / "scipion"
    shutil.rmtree(home, ignore_errors=True)
    prepare_scipion(home)
    micrographs = given or simulate(output / "simulated")
    project = ScriptedProject(PROJECT)
    pick = _pick(project, micrographs)
    _export(project, pick)
    _write_star(pick, output / "coordinates.star")
    count = _draw_overlays(pick, output / "overlays")
    print("\n".join(line.replace("*", "") for line in pick.summary()))
    print(f"STAR for RELION: {output / 'coordinates.star'}")
    print(f"{count} overlays: {output / 'overlays'}")
    if micrographs.truth:
        _compare(pick, micrographs, output / "evaluation")
    print(f"Open the project in Scipion:\n  {open_command(home)}")


def simulate(folder: Path) -> Micrographs:
    """Micrographs of the built-in molecule, with ice and carbon, and their truth."""
    from cryosegment.exchange.labels import read_labels_index
    from cryosegment.plugin import Plugin

    print("Simulating micrographs ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    arguments: List[str] = ["simulate", "--output", str(folder)]
    for name, value in SIMULATION.items():
        words = value if isinstance(value, tuple) else (value,)
        arguments += [f"--{name}", *map(str, words)]
    Plugin.runCore(*arguments)
    diameter = read_labels_index(folder / "truth").entries[0].diameter
    pattern = folder / "micrographs" / "*.mrc"
    return Micrographs(pattern, SIMULATED_PIXEL_SIZE, diameter, folder / "truth")


def _pick(project: ScriptedProject, micrographs: Micrographs) -> Any:
    """The finished picking protocol."""
    from pwem.protocols import ProtImportMicrographs

    from cryosegment.protocols import CryoSegmentProtPick

    source = project.run(
        ProtImportMicrographs,
        "import micrographs",
        filesPath=str(micrographs.pattern.parent),
        filesPattern=micrographs.pattern.name,
        samplingRateMode=0,
        samplingRate=micrographs.pixel_size,
        magnification=50000,
        voltage=300,
        sphericalAberration=2.7,
    )
    return project.run(
        CryoSegmentProtPick,
        "pick particles",
        [("inputMicrographs", source, "outputMicrographs")],
        diameter=micrographs.diameter,
        masks=True,
        binThreads=os.cpu_count() or 1,
    )


def _export(project: ScriptedProject, pick: Any) -> None:
    """Run the export protocol of RELION if RELION is installed; else print a line."""
    if not find_spec("relion") or project.plugin("relion.Plugin").validateInstallation():
        print("RELION is not installed here: its export protocol is left out.")
        return
    export = project.plugin("relion.protocols.ProtRelionExportCoordinates")
    project.run(export, "export by RELION", [("inputCoordinates", pick, "outputCoordinates")])


def _write_star(pick: Any, path: Path) -> None:
    """All picks in one STAR file that names the micrographs."""
    from cryosegment.exchange.coordinates import write_coordinates_star

    pairs = [(Path(mic.getFileName()).resolve(), pick.getPicks(mic)) for mic in pick.iterDone()]
    write_coordinates_star(path, pairs)


def _draw_overlays(pick: Any, folder: Path) -> int:
    """Number of pictures drawn: each micrograph with its picks and masks."""
    from matplotlib.figure import Figure

    from cryosegment.viewers.plots import draw_mask, draw_micrograph, draw_picks

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    results = list(pick.iterDone())
    for mic in results:
        picks = pick.getPicks(mic)
        figure = Figure(figsize=(9, 8), layout="constrained")
        axes = figure.subplots()
        axes.set_title(f"{picks.name}: {len(picks)} picks")
        draw_micrograph(axes, mic.getFileName())
        draw_mask(axes, pick.getMaskFile(mic), mic.getDim()[1::-1])
        circles = draw_picks(axes, picks, pick.diameter.get() / mic.getSamplingRate())
        figure.colorbar(circles, ax=axes, label="score", shrink=0.8)
        figure.savefig(folder / f"{picks.name}.png", dpi=120)
    return len(results)


def _compare(pick: Any, micrographs: Micrographs, output: Path) -> None:
    """Print the table of picks against the truth."""
    from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
    from cryosegment.plugin import Plugin

    print("Against the known truth:", flush=True)
    picks = PickFolder(pick._getExtraPath()).folder(COORDINATES)
    Plugin.runCore(
        "evaluate",
        *("--picks", os.path.abspath(picks)),
        *("--reference", str(micrographs.truth / "coordinates.star")),
        *("--diameter", str(micrographs.diameter)),
        *("--pixel-size", str(micrographs.pixel_size)),
        *("--output", str(output)),
    )


def open_command(home: Path) -> str:
    """Command line that opens the demo's project in Scipion's window."""
    environment = scipion_environment(home)
    environment["PATH"] = f"{Path(sys.executable).parent}:$PATH"
    settings = " ".join(
        f'{name}="{value}"' if "$" in value else f"{name}={shlex.quote(value)}"
        for name, value in environment.items()
    )
    return f"env {settings} {shlex.quote(sys.executable)} -m scipion project {PROJECT}"


if __name__ == "__main__":
    sys.exit(main())
