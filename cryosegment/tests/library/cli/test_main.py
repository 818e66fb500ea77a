# SPDX-License-Identifier: GPL-3.0-or-later
import json
import os
import shlex
import signal
import subprocess
import sys

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import cryosegment
from cryosegment.cli.arguments import params_from_namespace
from cryosegment.cli.commands import COMMANDS
from cryosegment.cli.main import build_parser, joined, main
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import ModelCard, TrainedNetwork
from cryosegment.exchange.coordinates import (
    Coordinates,
    write_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.job import read_job
from cryosegment.exchange.params import InputParams


@pytest.fixture
def picks(tmp_path):
    """Folders of picks and of a reference: three of four particles found, one pick wrong."""
    reference = [[10, 10], [10, 60], [60, 10], [60, 60]]
    for folder, centers in (
        ("picks", [[11, 10], [10, 60], [60, 12], [90, 90]]),
        ("ref", reference),
    ):
        (tmp_path / folder).mkdir()
        write_coordinates(tmp_path / folder / "m.star", Coordinates(centers, 2.0, "m"))
    return tmp_path


def evaluate_arguments(folder):
    sizes = ["--diameter", "40", "--pixel-size", "2"]
    sets = ["--picks", str(folder / "picks"), "--reference", str(folder / "ref")]
    return ["evaluate", *sets, *sizes]


def test_a_file_that_does_not_name_its_micrograph_is_that_of_the_reference(picks, capsys):
    """Where there is one of each: how the file is named says nothing."""
    (picks / "picks" / "m.star").rename(picks / "picks" / "my best.star")
    arguments = evaluate_arguments(picks)
    arguments[arguments.index("--picks") + 1] = str(picks / "picks" / "my best.star")
    assert main([*arguments, "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["overall"]["true_positives"] == 3
    assert "does not name its micrograph: compared with m of the reference" in said.err
    named = Coordinates([[1, 1]], 2.0, "other")
    write_coordinates_star(picks / "picks" / "my best.star", [("other.mrc", named)])
    assert main(arguments) == 1
    assert "no micrograph is in both sets" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("command", [command.name.split() for command in COMMANDS])
def test_help_of_every_command_needs_no_torch(command):
    code = (
        "import sys; from cryosegment.cli.main import main\n"
        f"try: main({[*command, '--help']!r})\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "example:" in result.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_example_of_every_command_can_be_given(command, capsys):
    with pytest.raises(SystemExit):
        main([*command.name.split(), "--help"])
    text = capsys.readouterr().out
    assert all(len(line) <= 80 for line in text.splitlines())
    _, example = text.split("example:")
    program, *arguments = shlex.split(example.replace("\\\n", " "))
    assert program == "cryosegment"
    namespace = build_parser().parse_args(joined(arguments))
    assert namespace.command is command
    params_from_namespace(command.params, namespace)


def test_the_module_runs_as_the_program_does():
    command = [sys.executable, "-m", "cryosegment", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == cryosegment.__version__


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["labels"],
        ["pick", "a.mrc"],
        ["pick", "a.mrc", "--output", "o", "--diameter", "wide"],
        ["pick", "a.mrc", "--output", "o", "--diameter", "9", "--crf", "magic"],
        ["simulate", "--output", "o", "--size", "64"],
    ],
)
def test_usage_errors_have_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "usage: cryosegment" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pick", "a.mrc", "--output", "o", "--diameter", "-5"], "diameter"),
        (["pick", "a.mrc", "--output", "o", "--diameter", "nan"], "diameter"),
        (["pick", "a.mrc", "b/a.mrc", "--output", "o", "--diameter", "9"], "more than once"),
        (["card", "missing.safetensors"], "does not exist"),
        (["run", "missing.json"], "does not exist"),
        (["train", "missing", "--output", "model.pt"], "ends in .safetensors"),
    ],
)
def test_our_errors_are_one_line_and_status_1(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("cryosegment: ")
    assert error.count("\n") == 1


def test_evaluate_prints_a_table(picks, capsys):
    assert main(evaluate_arguments(picks)) == 0
    said = capsys.readouterr()
    rows = said.out.splitlines()
    assert said.err == ""
    assert rows[-1].split()[:6] == ["overall", "4", "4", "0.750", "0.750", "0.750"]


def test_evaluate_writes_json_a_report_and_its_job(picks, capsys):
    output = picks / "report"
    assert main([*evaluate_arguments(picks), "--json", "--output", str(output)]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["overall"]["f1"] == 0.75
    # distances 1, 0 and 2 px at 2 Å/px
    assert values["overall"]["center_error_mean"] == pytest.approx(2.0)
    assert json.loads((output / "evaluation.json").read_text())["sets"] == [values]
    job = read_job(output / "job.json")
    assert (job.command, job.params["diameter"]) == ("evaluate", 40.0)


def test_a_run_can_be_repeated_from_its_job(picks, capsys):
    output = picks / "report"
    main([*evaluate_arguments(picks), "--json", "--output", str(output)])
    first = capsys.readouterr().out
    assert main(["run", str(output / "job.json")]) == 0
    assert capsys.readouterr().out == first


def test_a_reference_that_counts_y_from_the_last_row(picks, capsys):
    reference = Coordinates([[10, 10], [10, 60], [60, 10], [60, 60]], 2.0, "m").flipped(100)
    write_coordinates(picks / "ref" / "m.star", reference)
    arguments = [*evaluate_arguments(picks), "--json", "--y-up", "--height", "100"]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["overall"]["f1"] == 0.75


def test_an_unwritable_output_is_one_line(picks, capsys):
    (picks / "file").touch()
    assert main([*evaluate_arguments(picks), "--output", str(picks / "file" / "x")]) == 1
    assert capsys.readouterr().err.startswith("cryosegment: cannot make the folder")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"command": "dance"}, "expected the command"),
        ({"params": {"diameter": 40.0}}, "is missing"),
        ({"params": {"colour": "red"}}, "colour is unknown"),
        ({"inputs": ["a.mrc"], "names": ["a"]}, "inputs or the output"),
    ],
)
def test_a_job_that_cannot_be_run(picks, change, message, capsys):
    path = picks / "job.json"
    main([*evaluate_arguments(picks), "--output", str(picks)])
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    capsys.readouterr()
    assert main(["run", str(path)]) == 1
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_an_error_that_is_not_ours_keeps_its_traceback(picks):
    code = (
        "import cryosegment.exchange.evaluation as evaluation\n"
        "def broken(*args): raise ZeroDivisionError('bug')\n"
        "evaluation.write_tables = broken\n"
        "from cryosegment.cli.main import main\n"
        f"main({[*evaluate_arguments(picks), '--output', str(picks / 'o')]!r})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert "Traceback" in result.stderr
    assert "ZeroDivisionError: bug" in result.stderr


def test_card_is_printed(tmp_path, capsys):
    card = ModelCard("test", TrainedNetwork("compact", {}, ("particle",)), InputParams(20.0))
    path = tmp_path / "m.safetensors"
    save_file({"w": np.zeros(3)}, path, metadata={"model_card": card.to_json()})
    assert main(["card", str(path)]) == 0
    assert "architecture: compact" in capsys.readouterr().out
    assert main(["card", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["input"]["pixels_per_diameter"] == 20.0


def test_a_model_is_verified(tmp_path, capsys):
    network = build_network("compact", widths=[8, 16], deep_blocks=0)
    facts = TrainedNetwork("compact", {"widths": [8, 16], "deep_blocks": 0}, HEADS)
    path, other = tmp_path / "m.safetensors", tmp_path / "other.safetensors"
    save_checkpoint(path, network, ModelCard("tiny", facts, InputParams(20.0)))
    assert main(["card", str(path), "--verify"]) == 0
    assert "tiny answers on" in capsys.readouterr().out
    tensors = load_file(path)
    with safe_open(path, "numpy") as file:
        save_file({**tensors, "head.bias": tensors["head.bias"] + 1}, other, file.metadata())
    assert main(["card", str(other), "--verify"]) == 1
    assert "copy the model again" in capsys.readouterr().err


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough(unbuffered):
    command = [sys.executable, "-m", "cryosegment", "card", "general", "--json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with subprocess.Popen(command, env=environ, **pipes) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("module", "command", "said"),
    [
        ("main", "train", ""),
        ("training", "train", "cryosegment: interrupted; --resume goes on from what is finished\n"),
        ("tuning", "tune", "cryosegment: interrupted\n"),
    ],
)
def test_an_interrupt_during_an_import(module, command, said, tmp_path):
    code = (
        "import runpy, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == 'cryosegment.cli.{module}': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        f"sys.argv[1:] = {[command, 'labels', '--output', str(tmp_path / 'm.safetensors')]!r}\n"
        "runpy.run_module('cryosegment', run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (130, said)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_queues_and_closed_terminals_send(number, tmp_path):
    """Ends a run as Ctrl-C does; what is finished stays."""
    options = ["--count", "1000", "--size", "64", "64", "--pixel-size", "8", "--gpu", "cpu"]
    command = ["cryosegment", "simulate", *options, "--output", str(tmp_path / "out")]

    def listen() -> None:
        """What a shell starts in the background ignores Ctrl-C from birth."""
        signal.signal(number, signal.SIG_DFL)

    with subprocess.Popen(
        [sys.executable, "-m", *command], stderr=subprocess.PIPE, preexec_fn=listen
    ) as process:
        assert b"/1000 simulated_" in process.stderr.readline()
        process.send_signal(number)
        last = process.stderr.read().splitlines()[-1]
    assert last == b"cryosegment: interrupted; --resume goes on from what is finished"
    assert process.returncode == 130
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


def test_a_run_that_is_told_to_ignore_a_closed_terminal(tmp_path):
    code = (
        "import signal; from cryosegment.__main__ import main\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "import sys; sys.argv[1:] = ['card', 'general']\n"
        "main(); signal.raise_signal(signal.SIGHUP)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
