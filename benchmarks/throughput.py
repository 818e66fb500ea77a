# SPDX-License-Identifier: GPL-3.0-or-later
"""What picking costs: each stage, each byte, and how it grows with size, picks and number.

    OMP_NUM_THREADS=1 python benchmarks/throughput.py --work runs/throughput [--only stages ...]

Micrographs of the built-in molecule are simulated once and kept in the folder. Times are CPU
seconds: those of a stage are of the thread that runs it, without the stages that it calls; those
of a command are of its whole process. One thread, CRF on, masks on.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import itertools
import os
import shutil
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scoring import run

from cryosegment.exchange.params import PickParams
from cryosegment.exchange.pick_folder import CANDIDATES, SUFFIXES

DIAMETER, PIXEL_SIZE = 190.0, 1.77
SMALL, SMALL_PIXEL_SIZE = 512, 6.0
COUNT = 5
FEW, MANY = 300, 3000
BASIS = ("read", "Fourier crop", "network")
"""Stages that the whole is compared with."""
STAGES = {
    "core.pipeline.batch.read_working_image": "other preparation",
    "core.pipeline.micrograph.read_micrograph": "read",
    "core.images.working.fourier_crop": "Fourier crop",
    "core.pipeline.micrograph.predict_logits": "network",
    "core.pipeline.micrograph.refine_particle": "CRF",
    "core.pipeline.batch.pick": "candidates",
    "core.pipeline.micrograph.find_particles": "finder",
    "core.pipeline.micrograph.find_instances": "instances",
    "core.pipeline.micrograph.instance_diameters": "instances",
    "core.pipeline.micrograph.instance_axes": "instances",
    "core.pipeline.batch.summarise": "summary",
    "core.pipeline.batch.append_summary": "summary",
    "core.pipeline.batch.write_picks": "write",
    "core.pipeline.batch.settle": "settle",
}
"""Functions by the name that their caller knows them by, and the stage they belong to."""


def main() -> None:
    """Run the parts that are asked for, each of which prints its table."""
    parts: dict[str, Callable[[Path], None]] = {
        "stages": stages,
        "size": size,
        "picks": picks,
        "number": number,
        "workers": workers,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    arguments = parser.parse_args()
    for name in arguments.only:
        parts[name](arguments.work)


def stages(work: Path) -> None:
    """CPU time of each stage on large micrographs, and the bytes that they leave."""
    folder = work / "stages"
    spent = watched(micrographs(work, 4096), PIXEL_SIZE, folder)
    whole, basis = sum(spent.values()), sum(spent[name] for name in BASIS)
    rows = [(name, f"{seconds:.3f}", f"{seconds / whole:.0%}") for name, seconds in spent.items()]
    table("stage", "CPU s", "share", rows=rows)
    print(f"\nwhole chain {whole:.2f} CPU s: {whole / basis:.2f} times {' + '.join(BASIS)}\n")
    table("files", "kB each", rows=[(kind, f"{mean:.0f}") for kind, mean in sizes(folder)])


def size(work: Path) -> None:
    """CPU time of the whole chain on micrographs of several sizes."""
    rows = []
    for side in (1024, 2048, 4096, 5760):
        spent = watched(micrographs(work, side), PIXEL_SIZE, work / "size")
        whole = sum(spent.values())
        rows.append((f"{side} x {side}", f"{whole:.2f}", f"{whole / side**2 * 1e6:.3f}"))
    table("micrograph", "CPU s", "CPU s for each million px", rows=rows)


def picks(work: Path) -> None:
    """CPU time of the whole chain on the same number of pixels with more and more particles."""
    rows = []
    for coverage in (0.05, 0.2, 0.5):
        folder = work / "picks"
        spent = watched(micrographs(work, 4096, coverage), PIXEL_SIZE, folder)
        found = [path.read_text().count("\n") for path in (folder / CANDIDATES).glob("*.star")]
        after = sum(seconds for name, seconds in spent.items() if name not in BASIS)
        rows.append((f"{statistics.mean(found):.0f}", f"{sum(spent.values()):.2f}", f"{after:.2f}"))
    table("candidates", "CPU s", f"of which not {', '.join(BASIS)}", rows=rows)


def number(work: Path) -> None:
    """CPU time and memory of the command for few and many small micrographs, and of resuming."""
    rows = []
    for count in (FEW, MANY):
        command = picking(work, count)
        for title, words in ((f"{count}", command), ("resumed", [*command, "--resume"])):
            cpu, seconds, peak = measured(*words)
            each = f"{cpu / count:.3f}"
            rows.append((title, f"{cpu:.1f}", each, f"{seconds:.1f}", f"{peak:.2f}"))
    table("micrographs", "CPU s", "CPU s each", "s", "peak memory, GiB", rows=rows)


def workers(work: Path) -> None:
    """CPU time of few small micrographs with one worker and with two."""
    rows = []
    for count in (1, 2):
        cpu, seconds, _ = measured(*picking(work, FEW), "--workers", str(count), "--threads", "1")
        rows.append((f"{count}", f"{cpu:.1f}", f"{seconds:.1f}"))
    table("workers", "CPU s", "s", rows=rows)


def picking(work: Path, count: int) -> list[str]:
    """The command that picks small micrographs anew."""
    files = micrographs(work, SMALL, pixel_size=SMALL_PIXEL_SIZE)
    many, output = work / f"{count}", work / f"picks_{count}"
    for folder in (many, output):
        shutil.rmtree(folder, ignore_errors=True)
    many.mkdir()
    for i in range(count):
        os.link(files[i % len(files)], many / f"small_{i:05}.mrc")
    options = f"--diameter {DIAMETER} --pixel-size {SMALL_PIXEL_SIZE} --masks --gpu cpu"
    return ["pick", str(many), *options.split(), "--output", str(output)]


def measured(*words: str) -> tuple[float, float, float]:
    """CPU seconds, seconds, and peak memory in GiB of a command of ours."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "cryosegment", *words]
    log = os.open(os.devnull, os.O_WRONLY)
    actions = [(os.POSIX_SPAWN_DUP2, log, stream) for stream in (1, 2)]
    process = os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)
    os.close(log)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"cryosegment {' '.join(words)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return cpu, time.monotonic() - begun, usage.ru_maxrss / 1024**2


def micrographs(
    work: Path, side: int, coverage: float | None = None, pixel_size: float = PIXEL_SIZE
) -> list[Path]:
    """Simulated micrographs, made where they are missing."""
    folder = work / "simulated" / f"{side}_{coverage or 'usual'}"
    options = f"--count {COUNT} --size {side} {side} --snr 0.05 --pixel-size {pixel_size}"
    options += f" --coverage {coverage}" if coverage else ""
    run("simulate", "--output", str(folder), *options.split(), "--resume")
    return sorted((folder / "micrographs").glob("*.mrc"))


def watched(files: Sequence[Path], pixel_size: float, folder: Path) -> dict[str, float]:
    """Median CPU seconds of each stage over micrographs after the first; the settling's share."""
    import torch

    from cryosegment.core.models.model import load_model
    from cryosegment.core.pipeline.batch import pick_micrographs

    torch.set_num_threads(1)
    shutil.rmtree(folder, ignore_errors=True)
    params = PickParams(diameter=DIAMETER, pixel_size=pixel_size, masks=True)
    model, watch = load_model(params.model, "cpu"), Stopwatch()
    named = [(path.stem, path) for path in files]
    with watch:
        pick_micrographs(named, model, params, folder, lambda *_: watch.lap())
    return watch.medians(len(files))


class Stopwatch:
    """CPU seconds of the stages of picking, of each the time that its own stages leave."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = dict.fromkeys(STAGES.values(), 0.0)
        self._laps: list[dict[str, float]] = [dict(self._spent)]
        self._inner = threading.local()
        self._wrapped: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Stopwatch:
        for path, stage in STAGES.items():
            place, name = f"cryosegment.{path}".rsplit(".", 1)
            module = importlib.import_module(place)
            function = getattr(module, name)
            self._wrapped.append((module, name, function))
            setattr(module, name, self._timed(function, stage))
        return self

    def __exit__(self, *_: object) -> None:
        for module, name, function in self._wrapped:
            setattr(module, name, function)

    def _timed(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            outer, self._inner.seconds = getattr(self._inner, "seconds", 0.0), 0.0
            begun = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                seconds = time.thread_time() - begun
                self._spent[stage] += seconds - self._inner.seconds
                self._inner.seconds = outer + seconds

        return timed

    def lap(self) -> None:
        """A micrograph is done."""
        self._laps.append(dict(self._spent))

    def medians(self, count: int) -> dict[str, float]:
        """Median of each stage over the laps after the first; a share of what came after them."""
        found = defaultdict(float)
        for stage, total in self._spent.items():
            laps = [lap[stage] for lap in self._laps]
            differences = [b - a for a, b in itertools.pairwise(laps[1:])]
            found[stage] = statistics.median(differences) + (total - laps[-1]) / count
        return found


def sizes(folder: Path) -> list[tuple[str, float]]:
    """Mean size of each kind of file, kB."""
    found = []
    for kind, suffix in SUFFIXES.items():
        files = [path.stat().st_size for path in (folder / kind).glob(f"*{suffix}")]
        if files:
            found.append((kind, statistics.mean(files) / 1000))
    return found


def table(*titles: str, rows: Sequence[Sequence[str]]) -> None:
    """Print a table in Markdown."""
    for row in (titles, ("---",) * len(titles), *rows):
        print("| " + " | ".join(row) + " |")
    print(flush=True)


if __name__ == "__main__":
    main()
