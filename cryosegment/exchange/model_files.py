# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of models: where they are, and the texts in their headers; read without torch."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import BinaryIO, Dict

from cryosegment.exchange.errors import InputError, ModelError
from cryosegment.exchange.files import PathLike, check_file

GENERAL, PARTICLES, SCREENING = "general", "particles", "screening"
"""Names of the models that are shipped with the package: of micrographs, of particle images, and of
the boxes of picks."""
SHIPPED = (GENERAL, PARTICLES, SCREENING)
HEADER_LIMIT = 100_000_000  # bytes; safetensors' own bound on its header


def model_path(model: str) -> Path:
    """File of a model, given by its path or by the name of one that is shipped."""
    if model in SHIPPED:
        return Path(__file__).resolve().parents[1] / "models" / f"{model}.safetensors"
    return Path(model)


def read_metadata(path: PathLike) -> Dict[str, str]:
    """Texts by name in the header of a model file; empty where it holds none.

    Raises
    ------
    InputError
        If the file is missing or cannot be read.
    ModelError
        If it is not a safetensors file.
    """
    path = Path(path)
    check_file(path)
    try:
        with path.open("rb") as stream:
            return _metadata(stream, path)
    except OSError as error:
        raise InputError(f"cannot read model {path}: {error.strerror or error}") from error


def _metadata(stream: BinaryIO, path: Path) -> Dict[str, str]:
    start = stream.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    text = stream.read(length) if 0 < length <= HEADER_LIMIT else b""
    not_safetensors = ModelError(
        f"expected a model as .safetensors made by `cryosegment train`, but {path} is not one"
    )
    if not text or len(text) != length:
        raise not_safetensors
    try:
        header = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):
        raise not_safetensors from None
    if not isinstance(header, dict):
        raise not_safetensors
    metadata = header.get("__metadata__", {})
    texts = metadata.items() if isinstance(metadata, dict) else ()
    return {name: text for name, text in texts if isinstance(text, str)}
