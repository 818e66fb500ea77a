# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of `hostile_inputs.py`: a few good ones, and what can be wrong with each."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import tifffile
import torch
from safetensors.numpy import load_file, save_file

from cryosegment.cli.main import main as cryosegment
from cryosegment.core.models.checkpoint import save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.exchange.card import CARD_KEY, ModelCard, TrainedNetwork, Use
from cryosegment.exchange.params import InputParams

WIDTHS = {"widths": [8, 16], "deep_blocks": 0, "normalization": "group"}
CARD = ModelCard("small", TrainedNetwork("compact", WIDTHS, HEADS), InputParams(20.0), Use(0.3))
DEEP = "[" * 100_000
SIMULATION = "--count 2 --size 256 256 --pixel-size 4 --snr 0.3 --gpu cpu"


def write_files(folder: Path) -> None:
    """Write all inputs."""
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    _write_good(folder)
    _write_images(folder)
    _write_models(folder)
    _write_tables(folder)
    _write_labels(folder)
    _write_jobs(folder)


def _write_good(folder: Path) -> None:
    """A small model that knows nothing, simulated micrographs, their labels, picks and maps."""
    torch.manual_seed(0)
    save_checkpoint(folder / "model.safetensors", build_network("compact", **WIDTHS), CARD)
    simulated = folder / "simulated"
    assert cryosegment(["simulate", *SIMULATION.split(), "--output", str(simulated)]) == 0
    micrographs = sorted(map(str, (simulated / "micrographs").glob("*.mrc")))
    shutil.copy(micrographs[0], folder / "good.mrc")
    options = ["--model", str(folder / "model.safetensors"), "--diameter", "180", "--gpu", "cpu"]
    picks = [*options, "--maps", "--crf", "none", "--output", str(folder / "picks")]
    assert cryosegment(["pick", *micrographs, *picks]) == 0
    with mrcfile.new(folder / "map.mrc") as file:
        file.set_data(mrcfile.read(next((simulated / "truth" / "maps").glob("*.mrc"))))
        file.voxel_size = 4.0
        file.set_volume()


def _write_images(folder: Path) -> None:
    good = (folder / "good.mrc").read_bytes()
    image = mrcfile.read(folder / "good.mrc")
    (folder / "empty.mrc").touch()
    (folder / "text.mrc").write_text("not an image " * 100)
    (folder / "truncated.mrc").write_bytes(good[: len(good) // 2])
    huge = struct.pack("<4i", 1_000_000, 1_000_000, 1, 2) + good[16:]
    (folder / "huge.mrc").write_bytes(huge)
    with (folder / "sparse.mrc").open("wb") as stream:  # as large as its header says, on no disk
        stream.write(struct.pack("<4i", 300_000, 300_000, 1, 2) + good[16:1024])
        stream.truncate(1024 + 4 * 300_000**2)
    (folder / "complex.mrc").write_bytes(good[:12] + struct.pack("<i", 4) + good[16:])
    for name, values in (
        ("nan", np.full_like(image, np.nan)),
        ("constant", np.full_like(image, 3)),
        ("enormous", np.where(image > image.mean(), np.float32(3e38), np.float32(-3e38))),
        ("tiny", image[:3, :3]),
    ):
        (folder / f"{name}.mrc").write_bytes(_mrc(values))
    mrcfile.write(folder / "movie.mrc", np.stack([image] * 3), voxel_size=4.0)
    np.save(folder / "array.npy", image)
    shutil.move(folder / "array.npy", folder / "array.mrc")
    (folder / "bomb.mrc.gz").write_bytes(gzip.compress(bytes(2**26)) * 512)  # 32 GB of zeros
    tifffile.imwrite(folder / "good.tif", image)
    tiff = (folder / "good.tif").read_bytes()
    (folder / "truncated.tif").write_bytes(tiff[: len(tiff) // 3])
    (folder / "offset.tif").write_bytes(tiff[:4] + struct.pack("<I", 0xFFFFFFF0) + tiff[8:])
    (folder / "size.tif").write_bytes(_tiff_size(tiff, 4_000_000))
    (folder / "size.png").write_bytes(_png(100_000))
    (folder / "linked.mrc").symlink_to("nowhere.mrc")
    (folder / "loop.mrc").symlink_to("loop.mrc")
    shutil.copy(folder / "good.mrc", folder / "new\nline.mrc")
    shutil.copy(folder / "good.mrc", os.fsencode(folder) + b"/\xff\xfe.mrc")
    (folder / "second").mkdir()
    shutil.copy(folder / "good.mrc", folder / "second" / "good.mrc")
    (folder / "probability").mkdir()
    shutil.copy(folder / "good.mrc", folder / "probability" / "good.mrc")


def _mrc(values: np.ndarray) -> bytes:
    """An MRC file; mrcfile would warn of some values."""
    height, width = values.shape
    header = np.zeros(256, "<i4")
    header[:4] = (width, height, 1, 2)
    header[7:10] = (width, height, 1)
    header[10:13] = np.array([4 * width, 4 * height, 4], "<f4").view("<i4")
    header[52:54] = np.frombuffer(b"MAP DD\0\0", "<i4")
    return header.tobytes() + values.astype("<f4").tobytes()


def _tiff_size(tiff: bytes, side: int) -> bytes:
    """The same TIFF, which says that it is much larger."""
    start = struct.unpack_from("<I", tiff, 4)[0]
    changed = bytearray(tiff)
    for entry in range(struct.unpack_from("<H", tiff, start)[0]):
        place = start + 2 + 12 * entry
        if struct.unpack_from("<H", tiff, place)[0] in (256, 257):
            struct.pack_into("<HII", changed, place + 2, 4, 1, side)
    return bytes(changed)


def _png(side: int) -> bytes:
    """A PNG that says that it is large, and has one row."""
    parts = (b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0), b"IDAT", b"IEND")
    parts = (parts[0], parts[1] + zlib.compress(bytes(side + 1)), parts[2])
    chunks = (struct.pack(">I", len(p) - 4) + p + struct.pack(">I", zlib.crc32(p)) for p in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _write_models(folder: Path) -> None:
    good = load_file(folder / "model.safetensors")
    content = (folder / "model.safetensors").read_bytes()
    (folder / "text.safetensors").write_text("no model")
    (folder / "truncated.safetensors").write_bytes(content[: len(content) // 2])
    (folder / "header.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")
    deep = DEEP.encode()
    (folder / "deep.safetensors").write_bytes(struct.pack("<Q", len(deep)) + deep)
    with (folder / "pickle.safetensors").open("wb") as stream:
        pickle.dump({"weights": [1.0]}, stream)
    save_file(good, folder / "bare.safetensors")
    save_file(good, folder / "deepcard.safetensors", {CARD_KEY: DEEP})
    weights = {name: values * np.float16("nan") for name, values in good.items()}
    _model(folder / "nan.safetensors", weights)
    changes: dict[str, dict[str, Any]] = {
        "threshold_nan": {"use": {"threshold": float("nan")}},
        "threshold_5": {"use": {"threshold": 5.0}},
        "scale_0": {"input": {"pixels_per_diameter": 0.0}},
        "wide": {"network": {"arguments": {"widths": [10**6] * 4}}},
        "many": {"network": {"arguments": {"widths": [8, 16], "deep_blocks": 10**9}}},
        "unknown": {"network": {"architecture": "os.system"}},
        "finder": {"use": {"selection": {"centers": "magic"}}},
        "crf": {"use": {"crf": {"solver": "magic"}}},
        "front_end": {"input": {"front_end": {"name": "magic"}}},
    }
    for name, change in changes.items():
        _model(folder / f"{name}.safetensors", good, **change)


def _model(path: Path, weights: dict[str, np.ndarray], **change: Any) -> None:
    """A model whose card says something else."""
    values = json.loads(CARD.to_json())
    for part, changes in change.items():
        values[part].update(changes)
    save_file(weights, path, {CARD_KEY: json.dumps(values)})


def _write_tables(folder: Path) -> None:
    head = "data_\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n_rlnCoordinateY #3\n"
    (folder / "good.star").write_text(head + "good.mrc 60 70\ngood.mrc 150 160\n")
    for name, rows in {
        "traversal": "../../../x.mrc 60 70\n/etc/y.mrc 10 20\n",
        "nan": "good.mrc nan 70\n",
        "infinite": "good.mrc inf 70\n",
        "words": "good.mrc left right\n",
        "short": "good.mrc 60\n",
        "outside": "good.mrc 1e9 -1e9\n",
        "none": "",
    }.items():
        (folder / f"{name}.star").write_text(head + rows)
    (folder / "empty.star").touch()
    (folder / "binary.star").write_bytes(os.urandom(4096))
    (folder / "noloop.star").write_text("data_\n\nloop_\n")
    (folder / "columns.csv").write_text("a,b\n1,2\n")
    (folder / "quote.csv").write_text('x,y\n"1,2\n' * 3)
    particles = np.array([(1,)], [("uid", "u8")])
    with (folder / "object.cs").open("wb") as stream:
        np.save(stream, np.array([os.getcwd], dtype=object), allow_pickle=True)
    np.save(folder / "few.npy", particles)
    shutil.move(folder / "few.npy", folder / "few.cs")
    (folder / "truncated.cs").write_bytes((folder / "few.cs").read_bytes()[:100])
    atoms = (folder / "map.mrc").read_bytes()
    (folder / "truncated_map.mrc").write_bytes(atoms[: len(atoms) // 2])
    (folder / "huge_map.mrc").write_bytes(
        struct.pack("<4i", 20_000, 20_000, 20_000, 2) + atoms[16:]
    )
    (folder / "text.pdb").write_text("not a molecule\n" * 10)
    (folder / "empty.cif").touch()


def _labels(folder: Path, change: Callable[[dict[str, Any]], object], name: str) -> Path:
    """A copy of the labels with another `labels.json`."""
    copy = folder / "labels" / name
    shutil.copytree(folder / "simulated" / "truth", copy)
    path = copy / "labels.json"
    values = json.loads(path.read_text())
    for entry in values["micrographs"]:
        entry["micrograph"] = str(folder / "simulated" / "micrographs" / f"{entry['name']}.mrc")
    change(values)
    path.write_text(json.dumps(values))
    return copy


def _update(change: dict[str, object], values: dict[str, Any]) -> None:
    """Change what is said of the first micrograph."""
    values["micrographs"][0].update(change)


def _write_labels(folder: Path) -> None:
    for key, value in {
        "name": "../../../escaped",
        "diameter": float("nan"),
        "pixel_size": 0,
        "shape": [10**9, 10**9],
        "instances": "nowhere.mrc",
        "classes": "../../pipe",
    }.items():
        _labels(folder, partial(_update, {key: value}), key)
    absolute = str(folder / "escaped")
    _labels(folder, partial(_update, {"name": absolute}), "absolute")
    _labels(folder, lambda values: values.update(micrographs=[]), "none")
    _labels(folder, lambda values: values.update(classes={"particle": 7}), "other_classes")
    _labels(folder, lambda values: values.update(micrographs={"a": 1}), "no_list")
    (_labels(folder, lambda values: None, "deep") / "labels.json").write_text(DEEP)
    (_labels(folder, lambda values: None, "binary") / "labels.json").write_bytes(os.urandom(999))
    for name, file, change in (
        ("negative", "instances", lambda values: values - np.int16(5)),
        ("more", "instances", lambda values: values + np.int16(99)),
        ("values", "classes", lambda values: values + np.int8(9)),
        ("small", "classes", lambda values: values[:-7]),
    ):
        path = _labels(folder, lambda values: None, name) / file / "simulated_0001.mrc"
        mrcfile.write(path, change(mrcfile.read(path)), overwrite=True, voxel_size=4.0)
    (folder / "nothing").mkdir()
    damaged = _labels(folder, lambda values: None, "damaged")
    (damaged / "instances" / "simulated_0001.mrc").write_bytes(b"damaged")
    for name in ("deepjob", "damagedmap"):
        shutil.copytree(folder / "picks", folder / name)
    (folder / "deepjob" / "job.json").write_text(DEEP)
    (folder / "damagedmap" / "probability" / "simulated_0001.mrc").write_bytes(b"damaged")


def _write_jobs(folder: Path) -> None:
    good = {
        "version": 1,
        "command": "pick",
        "params": {"diameter": 180.0, "model": str(folder / "model.safetensors"), "gpu": "cpu"},
        "inputs": [str(folder / "good.mrc")],
        "output": "OUT",
        "names": ["good"],
    }
    (folder / "jobs").mkdir()
    for name, change in {
        "good": {},
        "up": {"names": ["../../../escaped"]},
        "absolute": {"names": [str(folder / "escaped")]},
        "dots": {"names": [".."]},
        "nul": {"names": ["a\0b"]},
        "nul_input": {"inputs": ["a\0b.mrc"]},
        "nul_output": {"output": "a\0b"},
        "twice": {"inputs": [str(folder / "good.mrc")] * 2, "names": ["a", "a"]},
        "version": {"version": [1]},
        "command": {"command": "rm -rf /"},
        "types": {"params": {"diameter": ["180"]}},
        "number": {"params": {"diameter": 10**400}},
        "unknown": {"params": {"diameter": 180.0, "colour": "red"}},
        "surrogate": {"names": ["\ud800"]},
    }.items():
        (folder / "jobs" / f"{name}.json").write_text(json.dumps({**good, **change}))
    (folder / "jobs" / "deep.json").write_text(DEEP)
    (folder / "jobs" / "binary.json").write_bytes(os.urandom(999))
    (folder / "jobs" / "digits.json").write_text('{"version": ' + "1" * 5000 + "}")
