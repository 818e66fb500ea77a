# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an image, map, molecule, model or archive holds, it is read or refused in one line."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import mrcfile
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import strategies as st

from cryosegment.core.images.micrograph import read_micrograph
from cryosegment.core.images.mrc import read_sections, read_stack_side
from cryosegment.core.images.volume import read_volume
from cryosegment.core.models.checkpoint import load_network, save_checkpoint
from cryosegment.core.networks import HEADS, build_network
from cryosegment.core.pipeline.files import Segmentation
from cryosegment.core.simulation.molecule import read_molecule
from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use
from cryosegment.exchange.params import InputParams
from cryosegment.tests.damage import (
    check_reader,
    damaged,
    damaged_bytes,
    damaged_json,
    little_memory,
    refusal,
)
from cryosegment.tests.molecules import PDB, mmcif

IMAGE = np.random.default_rng(0).normal(100, 10, (40, 52)).astype(np.float32)
BYTES = IMAGE.astype(np.uint8)
WIDTHS = {"widths": [8, 16], "deep_blocks": 0, "normalization": "group"}
CARD = ModelCard("small", TrainedNetwork("compact", WIDTHS, HEADS), InputParams(20.0), Use(0.3))
READERS = {
    "mrc": read_micrograph,
    "tif": lambda path: read_micrograph(path, 1.5),
    "png": lambda path: read_micrograph(path, 1.5),
    "jpg": lambda path: read_micrograph(path, 1.5),
    "mrcs": lambda path: (read_stack_side(path), read_sections(path, np.array([0, 1, 4]))),
    "map": read_volume,
    "pdb": lambda path: read_molecule(path, 3.0),
    "cif": lambda path: read_molecule(path, 3.0),
    "npz": Segmentation.read,
    "safetensors": load_network,
}
"""What reads a file, by the first suffix of its name."""
TIFFS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lzw": {"compression": "lzw"},
    "deflate": {"compression": "zlib", "predictor": True},
    "tiled": {"tile": (16, 16), "compression": "zstd"},
    "big": {"bigtiff": True, "byteorder": ">"},
    "imagej": {"imagej": True, "resolution": (1, 1), "metadata": {"unit": "nm"}},
}


def in_memory(write: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


def mrc(path: Path, values: np.ndarray, is_stack: bool = False) -> bytes:
    with mrcfile.new(path, values, overwrite=True) as file:
        if is_stack:
            file.set_image_stack()
        file.voxel_size = 1.5
    return path.read_bytes()


def packed_arrays(labels: bytes) -> bytes:
    """Segmentations with other labels."""
    scale = in_memory(lambda stream: np.save(stream, np.ones(3)))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.npy", labels)
        archive.writestr("scale.npy", scale)
    return stream.getvalue()


def model(path: Path) -> bytes:
    torch.manual_seed(0)
    save_checkpoint(path, build_network("compact", **WIDTHS), CARD)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, bytes]:
    """Files as they should be, by name."""
    volume = np.random.default_rng(0).normal(size=(6, 6, 6)).astype(np.float32)
    image, density = mrc(folder / "a.mrc", IMAGE), mrc(folder / "a.map", volume)
    labels = in_memory(lambda stream: np.save(stream, np.zeros((20, 30), np.int32)))
    return {
        "float.mrc": image,
        "bytes.mrc": mrc(folder / "a.mrc", IMAGE.astype(np.int8)),
        "packed.mrc.gz": gzip.compress(image),
        "packed.mrc.bz2": bz2.compress(image),
        "a.mrcs": mrc(folder / "a.mrcs", np.stack([IMAGE[:40, :40]] * 5), True),
        **{
            f"{name}.tif": in_memory(lambda stream, o=options: tifffile.imwrite(stream, IMAGE, **o))
            for name, options in TIFFS.items()
        },
        "jpeg.tif": in_memory(lambda s: tifffile.imwrite(s, BYTES, compression="jpeg")),
        "a.png": cv2.imencode(".png", BYTES)[1].tobytes(),
        "deep.png": cv2.imencode(".png", IMAGE.astype(np.uint16))[1].tobytes(),
        "a.jpg": cv2.imencode(".jpg", BYTES)[1].tobytes(),
        "a.map": density,
        "packed.map.gz": gzip.compress(density),
        "a.pdb": PDB.encode(),
        "packed.pdb.gz": gzip.compress(PDB.encode()),
        "a.cif": mmcif().encode(),
        "a.npz": packed_arrays(labels),
        "a.safetensors": model(folder / "a.safetensors"),
    }


NAMES = [
    "float.mrc",
    "bytes.mrc",
    "packed.mrc.gz",
    "packed.mrc.bz2",
    "a.mrcs",
    "plain.tif",
    "lzw.tif",
    "deflate.tif",
    "tiled.tif",
    "big.tif",
    "imagej.tif",
    "jpeg.tif",
    "a.png",
    "deep.png",
    "a.jpg",
    "a.map",
    "packed.map.gz",
    "a.pdb",
    "packed.pdb.gz",
    "a.cif",
    "a.npz",
    "a.safetensors",
]


def reader(name: str) -> Callable[[Path], Any]:
    return READERS[name.split(".")[1]]


def test_the_whole_files_are_read(folder: Path, files: dict[str, bytes]) -> None:
    assert sorted(files) == sorted(NAMES)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        assert refusal(reader(name), folder / name) == ""


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files(folder: Path, files: dict[str, bytes], name: str) -> None:
    whole = files[name].decode() if name.endswith((".pdb", ".cif")) else files[name]
    with little_memory():
        check_reader(reader(name), folder / name, damaged(whole))


def test_damaged_cards_and_headers_of_models(folder: Path, files: dict[str, bytes]) -> None:
    content = files["a.safetensors"]
    end = 8 + struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:end])

    def with_header(text: bytes) -> bytes:
        return struct.pack("<Q", len(text)) + text + content[end:]

    def with_card(card: bytes) -> bytes:
        metadata = {**header["__metadata__"], "model_card": card.decode()}
        return with_header(json.dumps({**header, "__metadata__": metadata}).encode())

    contents = st.one_of(
        damaged_json(header).map(with_header),
        damaged_json(json.loads(header["__metadata__"]["model_card"])).map(with_card),
    )
    with little_memory():
        check_reader(load_network, folder / "a.safetensors", contents)


def test_damaged_arrays_in_archives(folder: Path) -> None:
    labels = in_memory(lambda stream: np.save(stream, np.zeros((20, 30), np.int32)))
    with little_memory():
        contents = damaged_bytes(labels).map(packed_arrays)
        check_reader(Segmentation.read, folder / "a.npz", contents)


@pytest.mark.parametrize("name", ["float.mrc", "a.map", "a.mrcs"])
@pytest.mark.parametrize("side", [30_000, 10**6 - 1, 2**31 - 1])
def test_headers_of_huge_images(
    folder: Path, files: dict[str, bytes], name: str, side: int
) -> None:
    counts = struct.pack("<3i", side, side, side if name == "a.map" else 1)
    (folder / name).write_bytes(counts + files[name][12:])
    with little_memory(1 << 32):
        assert refusal(reader(name), folder / name)


def test_a_directory_of_tiff_that_comes_back(folder: Path, files: dict[str, bytes]) -> None:
    content = bytearray(files["plain.tif"])
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    (folder / "cycle.tif").write_bytes(content)
    with little_memory():
        refusal(reader("a.tif"), folder / "cycle.tif")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
@pytest.mark.parametrize("name", ["float.mrc", "a.map"])
def test_archives_that_unpack_to_much(
    folder: Path, files: dict[str, bytes], name: str, pack: Callable[[bytes], bytes]
) -> None:
    """What follows the image is not unpacked."""
    path = folder / f"bomb.{name.split('.')[1]}.gz"
    path.write_bytes(pack(files[name]) + 200 * pack(bytes(2**24)))
    with little_memory():
        assert refusal(reader(name), path) == ""


def test_an_archive_of_arrays_that_unpacks_to_much(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bomb.npz", "w") as archive:
        archive.writestr("labels.npy", b"zeros")
        archive.getinfo("labels.npy").file_size = 2**40
    assert f"unpacks to {2**40} bytes" in refusal(Segmentation.read, folder / "bomb.npz")
