# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: parse, run, and turn errors into exit statuses."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import cryosegment
from cryosegment.cli.arguments import add_options, params_from_namespace
from cryosegment.cli.command import Command
from cryosegment.cli.commands import COMMANDS, GROUPS, MICROGRAPHS, find_command
from cryosegment.cli.devices import use_threads
from cryosegment.cli.outcome import Outcome
from cryosegment.cli.outputs import check_model_file, is_first, recorded, shard_output
from cryosegment.cli.progress import LOG_FORMAT, show_progress
from cryosegment.cli.run_log import add_run_log, logged, run_logs
from cryosegment.cli.serving import serve
from cryosegment.exchange.card import read_card
from cryosegment.exchange.errors import CryoSegmentError, InputError, in_one_line
from cryosegment.exchange.files import check_names, unique_names
from cryosegment.exchange.job import FAILED, INTERRUPTED, OK, SOME_FAILED, Job, read_job
from cryosegment.exchange.micrographs import find_micrographs
from cryosegment.exchange.model_files import SHIPPED, model_path
from cryosegment.exchange.params import (
    GPU_HELP,
    RESUME_HELP,
    Params,
)
from cryosegment.exchange.records import in_words, record_from_dict, record_to_dict

HELP_WIDTH = 78  # columns of a terminal of 80 that argparse uses
INDENT = " " * len("usage: ")

Parser = argparse.ArgumentParser
if TYPE_CHECKING:
    Siblings = argparse._SubParsersAction[Parser]


def main(args: Sequence[str] | None = None) -> int:
    """Exit status of a command line.

    0 when all is done, 3 when some of the inputs failed, 1 when none is done or after a mistake,
    130 when interrupted. A usage error leaves by `SystemExit` with status 2. The exceptions of
    bugs keep their traceback.
    """
    try:
        try:
            return _run(sys.argv[1:] if args is None else args)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _run(args: Sequence[str]) -> int:
    namespace = build_parser().parse_args(joined(args))
    logging.basicConfig(format=LOG_FORMAT)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong stands in our errors
    try:
        with in_one_line("cryosegment " + " ".join(args[:1])):
            failed: int = namespace.action(namespace)
    except CryoSegmentError as error:
        print(f"cryosegment: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt as stop:
        print(f"cryosegment: interrupted{stop}", file=sys.stderr)
        return INTERRUPTED
    return SOME_FAILED if failed else OK


def joined(args: Sequence[str]) -> list[str]:
    """The arguments, with `crf tune` as one word: its first word alone is a command, too."""
    name = " ".join(args[:2])
    if find_command(name) and find_command(args[0]):
        return [name, *args[2:]]
    return list(args)


def build_parser() -> Parser:
    """Parser of all commands; `action` in its namespace runs the one that was given."""
    parser = Parser(
        prog="cryosegment",
        description="Find particles in cryo-EM micrographs by segmentation.",
        epilog="`cryosegment COMMAND --help` has the options of a command and an example.",
    )
    parser.add_argument("--version", action="version", version=cryosegment.__version__)
    groups = {"": parser.add_subparsers(metavar="COMMAND", required=True)}
    for command in COMMANDS:
        *group, name = command.name.split()
        if group and find_command(group[0]):
            group, name = [], command.name
        if group and group[0] not in groups:
            own = _add_parser(groups[""], group[0], GROUPS[group[0]], ("COMMAND --help",))
            groups[group[0]] = own.add_subparsers(metavar="COMMAND", required=True)
        own = _add_parser(groups["".join(group)], name, command.help, command.example)
        _add_command(own, command)
    card = ("card", "show how a model was trained and how it picks", ("general",))
    _add_card(_add_parser(groups[""], *card))
    run = ("run", "repeat a run from its job file", ("picks/job.json",))
    _add_run(_add_parser(groups[""], *run))
    serve = ("serve", "run one job after the other, as protocols do", ("< names_of_job_files",))
    _add_serve(_add_parser(groups[""], *serve))
    return parser


def _add_parser(siblings: Siblings, name: str, help: str, example: Sequence[str]) -> Parser:
    """Parser of a command, whose help ends with an example."""
    parser = siblings.add_parser(
        name,
        help=help,
        description=textwrap.fill(f"{help[0].upper()}{help[1:]}.", HELP_WIDTH),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lines = (f"{parser.prog} {example[0]}", *example[1:])
    parser.epilog = "example:\n  " + " \\\n      ".join(lines)
    return parser


def _add_command(parser: Parser, command: Command) -> None:
    usage = [parser.prog]
    metavar, text = command.inputs
    if metavar:
        number = "+" if command.needs_inputs else "*"
        parser.add_argument("inputs", nargs=number, metavar=metavar, help=text)
        usage.append(f"{metavar} ..." if command.needs_inputs else f"[{metavar} ...]")
    metavar, text = command.output
    needed = " (required)" if command.needs_output else ""
    if metavar:
        parser.add_argument(
            "--output",
            metavar=metavar,
            help=text + needed,
            required=command.needs_output,
            default="",
        )
    else:
        parser.set_defaults(output="")
    add_run_log(parser)
    usage += [f"--output {metavar}"] if command.needs_output else []
    usage += add_options(parser, command.params)
    words = " ".join([*usage, "[options]"])
    parser.usage = textwrap.fill(words, HELP_WIDTH - len(INDENT), subsequent_indent=INDENT)
    parser.set_defaults(action=_start_command, command=command)


def _start_command(namespace: argparse.Namespace) -> int:
    command: Command = namespace.command
    params = params_from_namespace(command.params, namespace)
    inputs = getattr(namespace, "inputs", ())
    job = Job(
        command.name,
        record_to_dict(params),
        tuple(map(os.path.abspath, inputs) if command.inputs_are_paths else inputs),
        os.path.abspath(namespace.output) if namespace.output else "",
    )
    job = dataclasses.replace(job, output=shard_output(job.output, getattr(params, "shard", "")))
    return _execute(command, job, params, namespace.run_log)


def _execute(command: Command, job: Job, params: Params, log: str) -> int:
    """Run a job, of which a line is added to a log of runs; how many inputs failed."""
    with logged(run_logs(log) if is_first() else (), job) as tell:
        return _run_job(command, job, params, tell)


def _run_job(command: Command, job: Job, params: Params, tell: Callable[[Outcome], None]) -> int:
    """Run a job, which is left in its output; how many inputs failed."""
    if command.output_is_file:
        check_model_file(job.output)
    if command.inputs == MICROGRAPHS:
        job = _with_micrographs(job)
    try:
        record = recorded(command, job) if job.output else nullcontext(job)
        with record as whole_job, show_progress() as progress:
            begun = time.monotonic()
            use_threads(getattr(params, "threads", 0))
            outcome = command.load()(whole_job, params, progress)
    except KeyboardInterrupt:
        advice = "; --resume goes on from what is finished" if "resume" in job.params else ""
        raise KeyboardInterrupt(advice) from None
    tell(outcome)
    if outcome.made:
        print(outcome.closing_line(command.name, time.monotonic() - begun, job.output))
    return outcome.failed


def _with_micrographs(job: Job) -> Job:
    """The job with a file for each micrograph and a name, after which its results are named."""
    inputs = job.inputs if job.names else tuple(find_micrographs(job.inputs))
    names = job.names or tuple(unique_names(inputs))
    check_names(names)
    return dataclasses.replace(job, inputs=inputs, names=names)


def _add_card(parser: Parser) -> None:
    parser.add_argument(
        "model", metavar="MODEL", help=f"model file, or one that is shipped: {', '.join(SHIPPED)}"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print it as JSON")
    shown.add_argument(
        "--verify",
        action="store_true",
        help="check that the model answers a test image here as it did where it was saved",
    )
    parser.set_defaults(action=_start_card)


def _start_card(namespace: argparse.Namespace) -> int:
    card = read_card(model_path(namespace.model))
    if namespace.verify:
        _verify(namespace.model)
    elif namespace.json:
        print(card.to_json(indent=2))
    else:
        values = record_to_dict(dataclasses.replace(card, checksum=()))
        values["checksum"] = "there, see --verify" if card.checksum else "none"
        _print_facts(values)
    return 0


def _verify(name: str) -> None:
    """Verify a model on the device that picking would choose."""
    from cryosegment.core.models.checkpoint import load_network  # torch takes seconds
    from cryosegment.core.models.model import best_device
    from cryosegment.core.models.verification import verify

    network, card = load_network(model_path(name))
    device = best_device()
    found = verify(network.to(device), card)
    print(f"{card.name} answers on {device} as it did where it was saved (difference {found:.2g})")


def _print_facts(values: Mapping[str, Any], indent: str = "") -> None:
    for name, value in values.items():
        title = f"{indent}{in_words(name)}:"
        if isinstance(value, dict) and value:
            print(title)
            _print_facts(value, indent + "  ")
        else:
            print(title, value)


def _add_run(parser: Parser) -> None:
    parser.add_argument("job", metavar="JOB.json", help="job file")
    parser.add_argument("--gpu", metavar="IDS", help=f"replaces the GPU of the job: {GPU_HELP}")
    parser.add_argument("--resume", action="store_true", help=RESUME_HELP)
    add_run_log(parser)
    parser.set_defaults(action=_start_job)


def _add_serve(parser: Parser) -> None:
    parser.add_argument("--gpu", metavar="IDS", help=f"replaces the GPU of the jobs: {GPU_HELP}")
    parser.set_defaults(action=_start_serve)


def _start_serve(namespace: argparse.Namespace) -> int:
    options = ["--gpu", namespace.gpu] if namespace.gpu is not None else []
    return serve(sys.stdin, main, options)


def _start_job(namespace: argparse.Namespace) -> int:
    job = read_job(namespace.job)
    command = find_command(job.command)
    if command is None:
        names = ", ".join(command.name for command in COMMANDS)
        raise InputError(
            f"expected the command of {namespace.job} to be one of {names}, got {job.command!r}: "
            "the job was written by another version of cryosegment; use one version"
        )
    values = dict(job.params)
    if namespace.gpu is not None:
        values["gpu"] = namespace.gpu
    if namespace.resume:
        values["resume"] = True
    params = record_from_dict(command.params, values)
    wants_inputs = bool(command.inputs[0]) and (command.needs_inputs or bool(job.inputs))
    if wants_inputs != bool(job.inputs) or (command.needs_output and not job.output):
        raise InputError(f"the job {namespace.job} lacks the inputs or the output of {job.command}")
    job = dataclasses.replace(job, params=record_to_dict(params))
    return _execute(command, job, params, namespace.run_log)
