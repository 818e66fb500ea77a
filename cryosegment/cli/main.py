# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: parse, run, and turn errors into exit statuses."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

import cryosegment
from cryosegment.cli.arguments import add_options, params_from_namespace
from cryosegment.cli.commands import COMMANDS, MICROGRAPHS, Command, find_command
from cryosegment.cli.outputs import recorded
from cryosegment.cli.progress import LOG_FORMAT, show_progress
from cryosegment.exchange.card import model_path, read_card
from cryosegment.exchange.errors import CryoSegmentError, InputError, in_one_line
from cryosegment.exchange.files import check_names, unique_names
from cryosegment.exchange.job import FAILED, INTERRUPTED, OK, SOME_FAILED, Job, read_job
from cryosegment.exchange.params import GPU_HELP, Params, params_from_dict, params_to_dict


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
    namespace = build_parser().parse_args(_joined(args))
    logging.basicConfig(format=LOG_FORMAT)
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


def _joined(args: Sequence[str]) -> list[str]:
    """Arguments with a command such as `crf tune`, whose first word is one as well, in one word."""
    name = " ".join(args[:2])
    if find_command(name) and find_command(args[0]):
        return [name, *args[2:]]
    return list(args)


def build_parser() -> argparse.ArgumentParser:
    """Parser of all commands; `action` in its namespace runs the one that was given."""
    parser = argparse.ArgumentParser(
        prog="cryosegment", description="Particles in cryo-EM micrographs by segmentation."
    )
    parser.add_argument("--version", action="version", version=cryosegment.__version__)
    groups = {"": parser.add_subparsers(metavar="COMMAND", required=True)}
    for command in COMMANDS:
        *group, name = command.name.split()
        if group and find_command(group[0]):
            group, name = [], command.name
        if group and group[0] not in groups:
            own = groups[""].add_parser(group[0], help=f"make {group[0]}: see its --help")
            groups[group[0]] = own.add_subparsers(metavar="COMMAND", required=True)
        siblings = groups["".join(group)]
        _add_command(
            siblings.add_parser(name, help=command.help, description=command.help), command
        )
    _add_card(groups[""].add_parser("card", help="what a model is"))
    _add_run(groups[""].add_parser("run", help="a command from its job file"))
    return parser


def _add_command(parser: argparse.ArgumentParser, command: Command) -> None:
    metavar, text = command.inputs
    if metavar:
        number = "+" if command.needs_inputs else "*"
        parser.add_argument("inputs", nargs=number, metavar=metavar, help=text)
    metavar, text = command.output
    needed = " (required)" if command.needs_output else ""
    parser.add_argument(
        "--output",
        metavar=metavar,
        help=text + needed,
        required=command.needs_output,
        default="",
    )
    add_options(parser, command.params)
    parser.set_defaults(action=_start_command, command=command)


def _start_command(namespace: argparse.Namespace) -> int:
    command: Command = namespace.command
    params = params_from_namespace(command.params, namespace)
    inputs = getattr(namespace, "inputs", ())
    job = Job(
        command.name,
        params_to_dict(params),
        tuple(map(os.path.abspath, inputs) if command.inputs_are_paths else inputs),
        os.path.abspath(namespace.output) if namespace.output else "",
    )
    return _execute(command, job, params)


def _execute(command: Command, job: Job, params: Params) -> int:
    """Run a job, which is left in its output; how many inputs failed."""
    if command.inputs == MICROGRAPHS:
        job = _with_names(job)
    try:
        record = recorded(command, job) if job.output else nullcontext(job)
        with record as whole_job, show_progress() as progress:
            return command.load()(whole_job, params, progress)
    except KeyboardInterrupt:
        advice = "; --resume goes on from what is finished" if "resume" in job.params else ""
        raise KeyboardInterrupt(advice) from None


def _with_names(job: Job) -> Job:
    """The job with a name of its own for each micrograph: results are named after them."""
    names = job.names or tuple(unique_names(job.inputs))
    check_names(names)
    return dataclasses.replace(job, names=names)


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="model file, or general")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(action=_start_card)


def _start_card(namespace: argparse.Namespace) -> int:
    card = read_card(model_path(namespace.model))
    if namespace.json:
        print(card.to_json(indent=2))
        return 0
    for name, value in dataclasses.asdict(card).items():
        print(f"{name.replace('_', ' ')}: {value}")
    return 0


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job", metavar="JOB.json", help="job file")
    parser.add_argument("--gpu", metavar="IDS", help=f"in place of the job's: {GPU_HELP}")
    parser.add_argument("--resume", action="store_true", help="skip what is finished")
    parser.set_defaults(action=_start_job)


def _start_job(namespace: argparse.Namespace) -> int:
    job = read_job(namespace.job)
    command = find_command(job.command)
    if command is None:
        names = ", ".join(command.name for command in COMMANDS)
        raise InputError(
            f"expected the command of {namespace.job} to be one of {names}, got "
            f"{job.command!r}: install one version of cryosegment on both sides"
        )
    values = dict(job.params)
    if namespace.gpu is not None:
        values["gpu"] = namespace.gpu
    if namespace.resume:
        values["resume"] = True
    params = params_from_dict(command.params, values)
    wants_inputs = bool(command.inputs[0]) and (command.needs_inputs or bool(job.inputs))
    if wants_inputs != bool(job.inputs) or (command.needs_output and not job.output):
        raise InputError(f"{namespace.job}: the inputs or the output of {job.command} are missing")
    return _execute(command, dataclasses.replace(job, params=params_to_dict(params)), params)
