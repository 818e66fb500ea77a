# SPDX-License-Identifier: GPL-3.0-or-later
"""Soak test: many micrographs, some damaged, runs that are killed; each must be picked once.

    python benchmarks/soak.py --work runs/soak --count 2000 [--only slurm scipion]

Small simulated micrographs, one in 50 damaged. `slurm`: an array of four shares an output, and
`cryosegment merge` ends it. `scipion`: micrographs stream into a project while it picks them; the
run is killed twice and continued. Where SLURM is missing, that part is left out and said so.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from scoring import run

from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.micrograph_lists import read_failures
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, EVERYTHING, PickFolder
from cryosegment.tests.slurm import cluster, what_is_missing

SIDE, PIXEL_SIZE, DIAMETER = 256, 6.0, 180.0
KINDS = 8
"""Different micrographs among all."""
ONE_IN = 50
"""Micrographs of which one is damaged."""
SHARDS = 4
OPTIONS = f"--diameter {DIAMETER} --pixel-size {PIXEL_SIZE} --gpu cpu --threads 1"
SCRIPT = """#!/bin/bash
{python} -m cryosegment pick {micrographs} {options} --output {output} \\
    --shard $SLURM_ARRAY_TASK_ID/{shards} --resume
status=$?
[ $status -eq 3 ] || exit $status  # some are damaged
"""


def main() -> None:
    """Make the micrographs, run the parts that are asked for, and check what each leaves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    for name in arguments.only:
        PARTS[name](work, arguments.count)


def slurm(work: Path, count: int) -> None:
    """An array of four tasks on the command line."""
    missing = what_is_missing()
    if missing:
        print(f"slurm: left out, {missing}")
        return
    source, output = work / "micrographs", work / "picks"
    for folder in (source, output):
        shutil.rmtree(folder, ignore_errors=True)
    fill(source, simulated(work), range(count))
    words = {"python": sys.executable, "micrographs": source, "options": OPTIONS, "output": output}
    script = work / "array.sh"
    script.write_text(SCRIPT.format(shards=SHARDS, **words))
    begun = time.monotonic()
    with cluster(Path("/tmp/cryosegment_soak_slurm")) as environment:
        array = ["sbatch", "--wait", f"--array=1-{SHARDS}", f"--output={work}/array_%a.log"]
        subprocess.run([*array, str(script)], env=environment, check=True)
    merge = [sys.executable, "-m", "cryosegment", "merge", str(output)]
    subprocess.run(merge, check=False)  # some have failed
    check("slurm", output, count, time.monotonic() - begun)
    apart, together = (
        {
            name: len(found)
            for name, found in read_coordinates(path, PIXEL_SIZE).items()
            if len(found)
        }
        for path in (output / COORDINATES, output / EVERYTHING)
    )
    if apart != together:
        raise SystemExit(f"slurm: {EVERYTHING} has other picks than {COORDINATES}")


def scipion(work: Path, count: int) -> None:
    """A project into which micrographs stream; its run is killed twice."""
    from soak_project import pick_while_they_come

    begun = time.monotonic()
    source, output = work / "streamed", work / "scipion"
    for folder in (source, output):
        shutil.rmtree(folder, ignore_errors=True)
    fill_source = partial(fill, source, simulated(work))
    extra, picked = pick_while_they_come(output, source, fill_source, count)
    check("scipion", extra, count, time.monotonic() - begun)
    twice = [name for name, times in Counter(picked).items() if times > 1]
    if twice or set(picked) - set(good(count)):
        raise SystemExit(f"scipion: {(twice or picked)[0]} is in the outputs, twice or damaged")


PARTS = {"slurm": slurm, "scipion": scipion}


def simulated(work: Path) -> list[Path]:
    """The different micrographs."""
    folder = work / "simulated"
    options = f"--count {KINDS} --size {SIDE} {SIDE} --pixel-size {PIXEL_SIZE} --snr 0.1"
    run("simulate", "--output", str(folder), *options.split(), "--resume")
    return sorted((folder / "micrographs").glob("*.mrc"))


def name_of(number: int) -> str:
    """Name of a micrograph."""
    return f"micrograph_{number:05}"


def is_damaged(number: int) -> bool:
    """Whether a micrograph is one of those that end in the middle."""
    return number % ONE_IN == ONE_IN // 2


def good(count: int) -> list[str]:
    """Names of the micrographs that are not damaged."""
    return [name_of(number) for number in range(count) if not is_damaged(number)]


def fill(folder: Path, kinds: list[Path], numbers: Iterable[int]) -> None:
    """Write micrographs, each whole at once, as a camera's computer does."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        data = kinds[number % len(kinds)].read_bytes()
        growing = folder / f"{name_of(number)}.growing"
        growing.write_bytes(data[: len(data) // 2] if is_damaged(number) else data)
        growing.rename(growing.with_suffix(".mrc"))


def check(title: str, folder: Path, count: int, seconds: float) -> None:
    """Check that each micrograph has its results once or is named as damaged."""
    results, expected = PickFolder(folder), set(good(count))
    damaged = {name_of(number) for number in range(count) if is_damaged(number)}
    found = {
        "coordinates": set(results.names(COORDINATES)),
        "candidates": set(results.names(CANDIDATES)),
        "figures": set(results.summaries()),
    }
    for kind, names in found.items():
        if names != expected:
            raise SystemExit(f"{title}: {kind} of other micrographs: {min(names ^ expected)}")
    if set(read_failures(folder)) != damaged:
        raise SystemExit(f"{title}: failures are {sorted(read_failures(folder))}")
    picks = sum(map(len, read_coordinates(folder / COORDINATES, PIXEL_SIZE).values()))
    print(
        f"{title}: {len(expected)} of {count} micrographs picked once, {len(damaged)} damaged ones "
        f"named, {picks} picks, {seconds:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
