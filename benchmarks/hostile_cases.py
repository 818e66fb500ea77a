# SPDX-License-Identifier: GPL-3.0-or-later
"""The cases of `hostile_inputs.py`: a command, what is wrong with its input, how it should end."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from hostile_case import DONE, NONE, SOME, USAGE, Case

SIZE = ("--diameter", "180", "--pixel-size", "4", "--gpu", "cpu", "--output", "OUT")
MODEL = ("--model", "model.safetensors")
TRAIN = ("--from", "model.safetensors", "--epochs", "1", "--batch", "2", "--patch", "48")
MODEL_OUT = ("--gpu", "cpu", "--output", "OUT/model.safetensors")


def cases(folder: Path) -> Iterator[Case]:
    """All cases; `folder` has the files and is the working folder."""
    yield from _micrographs()
    yield from _outputs(folder)
    yield from _models()
    yield from _labelling()
    yield from _labels()
    yield from _evaluation()
    yield from _simulation()
    yield from _jobs(folder)


DAMAGED = {
    "empty.mrc": "an empty file",
    "text.mrc": "text named .mrc",
    "truncated.mrc": "half of a micrograph",
    "huge.mrc": "a header that claims 10⁶ x 10⁶ px",
    "sparse.mrc": "360 GB of nothing (a sparse file)",
    "complex.mrc": "a transform (mode 4)",
    "nan.mrc": "all pixels NaN",
    "constant.mrc": "all pixels the same",
    "enormous.mrc": "pixels of ±3e38",
    "tiny.mrc": "3 x 3 px",
    "movie.mrc": "a movie",
    "array.mrc": "a NumPy array named .mrc",
    "bomb.mrc.gz": "gzip of 32 GB of zeros",
    "truncated.tif": "a third of a TIFF",
    "offset.tif": "a TIFF whose directory lies beyond its end",
    "size.tif": "a TIFF that claims 4·10⁶ x 4·10⁶ px",
    "size.png": "a PNG that claims 10⁵ x 10⁵ px",
    "linked.mrc": "a link to nowhere",
    "loop.mrc": "a link to itself",
    "pipe": "a pipe that nobody writes to",
    "/dev/zero": "a device that never ends",
    "missing.mrc": "no such file",
}
"""Micrographs that are none, and what they are."""


def _micrographs() -> Iterator[Case]:
    """Each beside a good one, which goes on."""
    for name, what in DAMAGED.items():
        yield Case("pick", what, (name, "good.mrc", *MODEL, *SIZE), SOME)
    yield Case("pick", "the one micrograph is empty", ("empty.mrc", *MODEL, *SIZE))
    yield Case("pick", "a name of 304 letters", ("x" * 300 + ".mrc", "good.mrc", *MODEL, *SIZE))
    yield Case("pick", "a line break in a name", ("new\nline.mrc", "good.mrc", *MODEL, *SIZE))
    yield Case("pick", "bytes in a name", ("\udcff\udcfe.mrc", "good.mrc", *MODEL, *SIZE))
    yield Case("pick", "two of a name", ("good.mrc", "second/good.mrc", *MODEL, *SIZE))
    yield Case("pick", "nothing", SIZE, USAGE)
    for option, value in (
        ("--diameter", "nan"),
        ("--diameter", "1e300"),
        ("--pixel-size", "0"),
        ("--threshold", "nan"),
        ("--gpu", "99"),
        ("--ctf", "pipe"),
        ("--ctf", "binary.star"),
    ):
        arguments = ("good.mrc", *MODEL, *SIZE, option, value)
        yield Case("pick", f"`{option} {value}`", arguments)
    yield Case("pick", "`--diameter wide`", ("good.mrc", *SIZE, "--diameter", "wide"), USAGE)


def _outputs(folder: Path) -> Iterator[Case]:
    """Places that are not for the results."""
    good = ("good.mrc", *MODEL, *SIZE)

    def own_coordinates(output: Path) -> None:
        (output / "coordinates").mkdir(parents=True)
        (output / "coordinates" / "good.star").write_text("mine")

    def other_command(output: Path) -> None:
        shutil.copytree(folder / "simulated", output)

    def a_file(output: Path) -> None:
        output.touch()

    yield Case("pick", "the user's own coordinates in the output", good, NONE, own_coordinates)
    yield Case("pick", "the output of another command", good, NONE, other_command)
    yield Case("pick", "a file in place of the output", good, NONE, a_file)
    yield Case("pick", "an output in /proc", (*good, "--output", "/proc/x"))
    inside = ("probability/good.mrc", *MODEL, *SIZE, "--maps", "--output", ".")
    yield Case("pick", "a micrograph where its map goes", inside)
    same = ("simulated/truth", *TRAIN, "--gpu", "cpu", "--output", "model.safetensors")
    yield Case("train", "a model that starts from itself", same)


def _models() -> Iterator[Case]:
    bad = {
        "text": "text",
        "truncated": "half of a model",
        "header": "a header of 2⁶⁰ bytes",
        "deep": "a header nested 10⁵ deep",
        "pickle": "a pickle",
        "bare": "no card",
        "deepcard": "a card nested 10⁵ deep",
        "threshold_nan": "threshold NaN",
        "threshold_5": "threshold 5",
        "scale_0": "0 px per diameter",
    }
    for name, what in bad.items():
        yield Case("pick", f"model: {what}", ("good.mrc", "--model", f"{name}.safetensors", *SIZE))
        status = DONE if name == "truncated" else NONE  # its card is whole
        yield Case("card", what, (f"{name}.safetensors",), status)
    for name, what in {
        "nan": "weights NaN",
        "wide": "a network of 10⁶ channels",
        "many": "a network of 10⁹ blocks",
        "unknown": "an unknown network",
        "finder": "an unknown centre finder",
        "crf": "an unknown CRF",
        "front_end": "an unknown front end",
    }.items():
        yield Case("pick", f"model: {what}", ("good.mrc", "--model", f"{name}.safetensors", *SIZE))
    yield Case("card", "a pipe", ("pipe",))
    yield Case("card", "a folder", ("picks",))
    yield Case(
        "train",
        "starts from weights NaN",
        ("labels/damaged", "--from", "nan.safetensors", *MODEL_OUT),
    )


def _labelling() -> Iterator[Case]:
    for name, what in {
        "traversal.star": "micrographs ../../../x.mrc and /etc/y.mrc",
        "nan.star": "a coordinate NaN",
        "infinite.star": "a coordinate without end",
        "words.star": "words for numbers",
        "short.star": "a row that is too short",
        "outside.star": "coordinates far outside",
        "none.star": "no rows",
        "empty.star": "an empty file",
        "binary.star": "random bytes",
        "noloop.star": "a loop without columns",
        "columns.csv": "a CSV without x and y",
        "quote.csv": "a CSV with an open quote",
        "pipe": "a pipe",
        "missing.star": "no such file",
        "labels/name": "labels with a name ../../../escaped",
    }.items():
        arguments = ("good.mrc", "--coordinates", name, *SIZE)
        arguments = tuple(word for word in arguments if word not in ("--gpu", "cpu"))
        yield Case("labels coordinates", what, arguments)
    body = ("good.mrc", "--pixel-size", "4", "--gpu", "cpu", "--output", "OUT")
    simulated = ("--particles", "simulated/truth/coordinates.star")
    for particles, what in {
        "object.cs": "particles: a pickle in NumPy's format",
        "truncated.cs": "particles: half of a .cs file",
        "few.cs": "particles: a .cs file without poses",
        "good.star": "particles: a STAR file without poses",
        "pipe": "particles: a pipe",
    }.items():
        arguments = (*body, "--particles", particles, "--map", "map.mrc")
        yield Case("labels reconstruction", what, arguments)
    for name, what in {
        "truncated_map.mrc": "half of a map",
        "huge_map.mrc": "a map that claims 20000³ voxels",
        "good.mrc": "a 2-D image for a map",
        "pipe": "a pipe for a map",
        "text.mrc": "text for a map",
    }.items():
        yield Case("labels reconstruction", what, (*body, *simulated, "--map", name))


def _labels() -> Iterator[Case]:
    bad = {
        "name": "a name ../../../escaped",
        "absolute": "an absolute name",
        "diameter": "diameter NaN",
        "pixel_size": "pixel size 0",
        "instances": "an instance map that is missing",
        "none": "no micrographs",
        "other_classes": "other classes",
        "no_list": "micrographs that are no list",
        "deep": "labels.json nested 10⁵ deep",
        "binary": "labels.json of random bytes",
    }
    maps = {
        "shape": "a shape of 10⁹ x 10⁹",
        "classes": "a pipe for a class map",
        "negative": "negative instances",
        "more": "instances without coordinates",
        "values": "unknown classes",
        "small": "a class map of another shape",
        "damaged": "a damaged instance map",
    }
    for name, what in (bad | maps).items():
        status = NONE if name in bad else SOME
        check = (f"labels/{name}", "--model", "none", "--gpu", "cpu", "--output", "OUT")
        yield Case("labels check", what, check, status)
    for name in ("name", "deep", "shape", "classes", "negative", "values", "damaged"):
        yield Case("train", (bad | maps)[name], (f"labels/{name}", *TRAIN, *MODEL_OUT))
    for name in ("absolute", "diameter", "negative", "damaged"):
        arguments = (f"labels/{name}", "--model", "model.safetensors", *MODEL_OUT)
        yield Case("tune", (bad | maps)[name], arguments)
        yield Case("crf tune", (bad | maps)[name], arguments)
    yield Case("train", "an empty folder", ("nothing", *TRAIN, *MODEL_OUT))
    yield Case(
        "train",
        "a learning rate of 1e30",
        ("simulated/truth", *TRAIN, "--learning-rate", "1e30", *MODEL_OUT),
    )
    other = ("simulated/truth", *TRAIN, "--gpu", "cpu", "--output", "OUT/model.pt")
    yield Case("train", "an output that is no .safetensors", other)


def _evaluation() -> Iterator[Case]:
    sizes = ("--diameter", "180", "--pixel-size", "4")
    for picks, what in {
        "missing.star": "picks: no such file",
        "binary.star": "picks: random bytes",
        "nan.star": "picks: a coordinate NaN",
        "pipe": "picks: a pipe",
        "nothing": "picks: an empty folder",
        "labels/deep": "picks: labels nested 10⁵ deep",
        "traversal.star": "picks: of other micrographs",
    }.items():
        yield Case("evaluate", what, ("--picks", picks, "--reference", "good.star", *sizes))
    both = ("--picks", "good.star", "--reference", "good.star")
    yield Case("evaluate", "a diameter of -1 Å", (*both, *sizes, "--diameter", "-1"))


def _simulation() -> Iterator[Case]:
    out = ("--gpu", "cpu", "--output", "OUT")
    for what, arguments in {
        "200000 x 200000 px": ("--size", "200000", "200000"),
        "no micrographs": ("--count", "0"),
        "SNR 0": ("--snr", "0"),
        "10⁹ particles": ("--particles", "1000000000"),
        "a molecule that is missing": ("--molecule", "missing.pdb"),
        "a molecule of text": ("--molecule", "text.pdb"),
        "an empty molecule": ("--molecule", "empty.cif"),
        "half of a map": ("--molecule", "truncated_map.mrc"),
        "a map that claims 20000³ voxels": ("--molecule", "huge_map.mrc"),
        "a pipe for a molecule": ("--molecule", "pipe"),
    }.items():
        yield Case("simulate", what, (*arguments, *out))
    crf = ("--crf", "combined", *out)
    yield Case("crf", "a folder without maps", ("nothing", *crf))
    yield Case("crf", "a job nested 10⁵ deep", ("deepjob", *crf))
    yield Case("crf", "a damaged map beside a good one", ("damagedmap", *crf), SOME)
    yield Case("crf", "maps of its own output", ("picks", "--output", "picks"))


def _jobs(folder: Path) -> Iterator[Case]:
    """Jobs in `jobs/`; those with an output have it in the case's own."""

    def moved(name: str) -> Callable[[Path], None]:
        def move(output: Path) -> None:
            output.mkdir(parents=True)
            text = (folder / "jobs" / f"{name}.json").read_text()
            (output / "in.json").write_text(text.replace('"OUT"', f'"{output / "picks"}"'))

        return move

    for name, what in {
        "up": "a name ../../../escaped",
        "absolute": "an absolute name",
        "dots": "a name ..",
        "nul": "a name with NUL",
        "nul_input": "an input with NUL",
        "nul_output": "an output with NUL",
        "twice": "two of a name",
        "version": "a version that is a list",
        "command": "a command of the shell",
        "types": "a list for a number",
        "number": "a number of 400 digits",
        "unknown": "an unknown parameter",
        "surrogate": "a name that is no text",
    }.items():
        yield Case("run", what, ("OUT/in.json",), NONE, moved(name))
    yield Case("run", "nothing: a good job", ("OUT/in.json",), DONE, moved("good"))
    for name, what in {
        "jobs/deep.json": "a job nested 10⁵ deep",
        "jobs/binary.json": "random bytes",
        "jobs/digits.json": "a version of 5000 digits",
        "missing.json": "no such file",
        "picks": "a folder",
        "pipe": "a pipe",
    }.items():
        yield Case("run", what, (name,))
