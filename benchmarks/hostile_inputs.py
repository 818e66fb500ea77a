# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and damaged inputs, each given to a command: its exit status and what it says.

    OMP_NUM_THREADS=1 python benchmarks/hostile_inputs.py --work runs/hostile

Makes the inputs, runs the commands, and prints a Markdown table. A traceback, a run that takes
longer than `PATIENCE`, another exit status than expected or anything changed outside the output
folder is an error; the exit status is then 1.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import re
import resource
import shutil
import sys
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from pathlib import Path

from hostile_case import Case
from hostile_cases import cases
from hostile_files import write_files

from cryosegment.cli.main import main as cryosegment
from cryosegment.exchange.micrograph_lists import read_failures

PATIENCE = 120.0  # seconds for one command
MEMORY = 12 * 2**30  # bytes that one command may map
LOG = "log.txt"
WIDTH = 150
"""Most letters of a message in the table."""


def main() -> int:
    """Make the inputs, run every case, print the table; 1 if one does not end as it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--only", default="", help="cases whose command or input has this text")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    (work / "out").mkdir(parents=True)
    making = _in_a_process(_make, work / "in")
    making.join()
    if making.exitcode:
        return 1
    print("| command | input | status | message |\n|---|---|---|---|")
    wrong = []
    for number, case in enumerate(cases(work / "in"), start=1):
        if arguments.only not in f"{case.command} {case.what}":
            continue
        status, message, complaint = run(case, work, work / "out" / f"{number}")
        print(f"| `{case.command}` | {case.what} | {status} | {message} |", flush=True)
        if complaint:
            wrong.append(f"{case.command}, {case.what}: {complaint}")
    print("\n".join(["", f"{len(wrong)} wrong", *wrong]), file=sys.stderr)
    return 1 if wrong else 0


def run(case: Case, work: Path, output: Path) -> tuple[int | None, str, str]:
    """Exit status of a case, what it said, and what is wrong with that."""
    log = work / LOG
    if case.before is not None:
        case.before(output)
    before = _listing(work, output)
    process = _in_a_process(_run, case.words(output), work, log)
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        return None, "", f"no end within {PATIENCE:g} s"
    status, text = process.exitcode, log.read_text(encoding="utf-8", errors="replace")
    changed = sorted(set(before.items()) ^ set(_listing(work, output).items()))
    complaint = ""
    if "Traceback" in text:
        complaint = f"a traceback: {text.strip().splitlines()[-1]}"
    elif changed:
        complaint = f"changed outside the output: {changed[0][0]}"
    elif status != case.status:
        complaint = f"status {status}, expected {case.status}"
    return status, _message(text, work, output), complaint


def _in_a_process(function: Callable[..., None], *arguments: object) -> ForkProcess:
    """A process that does it. This one computes nothing: threads do not survive a fork."""
    process = multiprocessing.get_context("fork").Process(target=function, args=arguments)
    process.start()
    return process


def _make(folder: Path) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        write_files(folder)


def _run(words: list[str], work: Path, log: Path) -> None:
    """In a process of its own: a command, its words in a file and its memory limited."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(work / "in")
    with log.open("w") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    sys.exit(cryosegment(words))


def _message(text: str, work: Path, output: Path) -> str:
    """The last words of a command, or the first error of its micrographs, without our paths."""
    failures = {}
    with contextlib.suppress(ValueError):
        failures = read_failures(output)
    own = [line for line in text.splitlines() if re.match(r"(cryosegment|usage)[^:]*: ", line)]
    found = next(iter(failures.values()), "") or (own or text.strip().splitlines() or [""])[-1]
    for path, name in ((output, "OUT"), (work / "in", ""), (work, "")):
        found = found.replace(f"{path}/", f"{name}/" if name else "").replace(str(path), name)
    found = found.removeprefix("cryosegment: ").replace("|", "\\|")
    found = "".join(letter if letter.isprintable() else "?" for letter in found)
    return found if len(found) <= WIDTH else f"{found[: WIDTH - 1]}…"


def _listing(work: Path, output: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file of the working folder, but for the output and the log."""
    found = {}
    for parent, folders, files in os.walk(work):
        for name in (*folders, *files):
            path = os.path.join(parent, name)
            if name != LOG and not path.startswith(str(output)):
                status = os.lstat(path)
                is_file = name in files
                found[path] = (status.st_size, status.st_mtime_ns) if is_file else (0, 0)
    return found


if __name__ == "__main__":
    sys.exit(main())
