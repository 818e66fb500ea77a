# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a file holds, its reader reads it or says in one line why not."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import numpy as np
import pytest
from hypothesis import strategies as st

from cryosegment.exchange.card import ModelCard, TrainedNetwork, Use, card_from_json, read_card
from cryosegment.exchange.consensus import ConsensusPicks, read_consensus, read_counts
from cryosegment.exchange.coordinates import (
    WRITTEN,
    Coordinates,
    read_coordinates,
    write_coordinates,
    write_coordinates_star,
)
from cryosegment.exchange.ctf import read_ctfs
from cryosegment.exchange.diameter_estimate import DIAMETER_NAME, read_estimate
from cryosegment.exchange.errors import InputError, ModelError, ParameterError
from cryosegment.exchange.job import read_job
from cryosegment.exchange.labels import LABELS_NAME, read_labels_index
from cryosegment.exchange.micrograph_lists import FAILURES_NAME, PICKED_NAME, read_failures
from cryosegment.exchange.micrographs import find_micrographs
from cryosegment.exchange.params import InputParams, PickParams
from cryosegment.exchange.particles.files import open_particles
from cryosegment.exchange.particles.masks import read_particle_masks
from cryosegment.exchange.particles.ranked import SCORES_NAME, read_scores
from cryosegment.exchange.particles.readers import read_particle_images, read_particles
from cryosegment.exchange.particles.scores import SCORES
from cryosegment.exchange.pick_folder import COORDINATES, PickFolder
from cryosegment.exchange.pick_summary import read_summaries
from cryosegment.exchange.records import record_from_dict
from cryosegment.exchange.screen_folder import SCREENED_PICKS, ScreenFolder
from cryosegment.exchange.star import read_star
from cryosegment.tests.damage import (
    check_reader,
    content_of,
    damaged,
    damaged_bytes,
    damaged_json,
    little_memory,
    raw_bytes,
    refusal,
)

PICKS = Coordinates([[10.0, 20.5], [30.25, 4.0], [7, 8]], 2.0, "mic", [0.9, 0.1, 0.5], [99.0] * 3)
REFINED = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnImagePixelSize #2
_rlnImageSize #3
1 2.5 64
2 2.6 64

data_particles

loop_
_rlnMicrographName #1
_rlnImageName #2
_rlnCoordinateX #3
_rlnCoordinateY #4
_rlnAngleRot #5
_rlnAngleTilt #6
_rlnAnglePsi #7
_rlnOriginXAngst #8
_rlnOriginYAngst #9
_rlnOpticsGroup #10
_rlnAutopickFigureOfMerit #11
_rlnClassNumber #12
a/mic1.mrc 000001@Extract/mic1.mrcs 100.5 200.25 10 20 30 1.5 -2.5 1 0.9 1
"a b/mic1.mrc" 000002@Extract/mic1.mrcs 300.5 20.25 10 20 30 0 0 1 0.8 1
a/mic2.mrc 000001@Extract/mic2.mrcs 10.5 2.25 -10 70 30 1.5 -2.5 2 0.1 2

"""
OLD = """
data_

loop_
_rlnMicrographName
_rlnImageName
_rlnCoordinateX
_rlnCoordinateY
_rlnAngleRot
_rlnAngleTilt
_rlnAnglePsi
_rlnOriginX
_rlnOriginY
_rlnMagnification
_rlnDetectorPixelSize
mic1.mrc 000001@Extract/mic1.mrcs 100.5 200.25 10 20 30 1.5 -2.5 10000 2
mic2.mrc 000001@Extract/mic2.mrcs 10.5 2.25 -10 70 30 1.5 -2.5 10000 2
"""
MASKS = REFINED.replace("_rlnClassNumber #12", "_rlnImageOriginalName #12")
MASKS = MASKS.replace(" 0.9 1", " 0.9 1@x.mrcs").replace(" 0.8 1", " 0.8 2@x.mrcs")
MASKS = MASKS.replace(" 0.1 2", " 0.1 1@y.mrcs")
CTFS = """
data_micrographs
loop_
_rlnMicrographName #1
_rlnDefocusU #2
_rlnDefocusV #3
_rlnDefocusAngle #4
_rlnVoltage #5
_rlnSphericalAberration #6
_rlnAmplitudeContrast #7
mic1.mrc 10000 11000 45 300 2.7 0.1
mic2.mrc 10000 11000 45 300 2.7 0.1
"""
XMIPP = """# XMIPP_STAR_1 *
data_noname
loop_
 _xcoor
 _ycoor
 _cost
 _enabled
 _micrograph
 10 20 0.5 1 a/mic1.mrc
 30 40 0.6 -1 a/mic2.mrc
data_mic3
loop_
 _xcoor
 _ycoor
 1 2
"""
LISTED = """
data_coordinate_files
loop_
_rlnMicrographName #1
_rlnMicrographCoordinates #2
movies/a.mrc Pick/a_autopick.star
movies/b.mrc Pick/b_autopick.star
"""
SCREENED = """
data_
loop_
_rlnCoordinateX
_rlnCoordinateY
_cryosegmentScreening
_cryosegmentInterference
10 20 0.9 0.05
30 40 0.1 0.80
"""
TOPAZ = "image_name\tx_coord\ty_coord\tscore\nmic1\t10\t20\t1.5\nmic2.mrc\t10\t20\t-1.5\n"
SUMMARIES = """micrograph,pixel_size,shape,picks,expected,mean_score,contamination,grade,quality,\
doubts
a,2,100 x 120,3,2.5,0.5,0.1,good,0.9,other diameter
b,2,100 x 120,0,,,0.1,empty,0.2,
"""
COUNTS = """micrograph,picks,particles_with_votes_1,particles_with_votes_2,in_set_1,in_set_2,\
agreed_in_set_1,agreed_in_set_2,in_sets_1_and_2
a,2,1,2,2,3,2,2,2
"""
RANKED = ",".join(("image", "micrograph", "defocus", "kept", *SCORES))
RANKED += (
    "\n1@a.mrcs,mic1,12000,1" + ",0.5" * len(SCORES) + "\n2@a.mrcs,mic1,,0" + "," * len(SCORES)
)
JOB = {
    "version": 1,
    "command": "pick",
    "params": {"diameter": 180.0, "formats": ["box"], "threshold": "auto", "masks": True},
    "inputs": ["a/mic1.mrc", "a/mic2.mrc"],
    "output": "out",
    "names": ["mic1", "mic2"],
}
ENTRY = {
    **{name: f"{name}.file" for name in ("micrograph", "instances", "classes", "coordinates")},
    **{"name": "a", "pixel_size": 2.0, "shape": [100, 120], "diameter": 150.0},
}
LABELS = {
    "version": 1,
    "micrographs": [ENTRY, {**ENTRY, "name": "b"}],
    "source": "simulation",
    "classes": {"background": 0, "particle": 1, "contamination": 2, "edge": 3, "unknown": -1},
}
NETWORK = TrainedNetwork("compact", {"widths": [8, 16]}, ("particle", "center"))
CRYOPPP = "Micrographs Filename,X-Coordinate,Y-Coordinate,Diameter\nm.mrc,1,2,5\n"
CARD = ModelCard("small", NETWORK, InputParams(20.0), Use(0.3))
CRYOSPARC = {
    "uid": ("<u8", [1, 2, 3]),
    "location/micrograph_path": ("S20", [b"a/mic1.mrc", b"a/mic1.mrc", b"a/mic2.mrc"]),
    "location/micrograph_shape": ("2<u4", [100, 120]),
    "location/center_x_frac": ("<f4", 0.5),
    "location/center_y_frac": ("<f4", 0.25),
    "pick_stats/ncc_score": ("<f4", 0.7),
    "alignments3D/shift": ("2<f4", [1, 2]),
    "alignments3D/psize_A": ("<f4", 2.5),
    "alignments3D/pose": ("3<f4", [0.1, 0.2, 0.3]),
    "alignments3D/class": ("<u4", 1),
    "blob/path": ("S20", b">b/x.mrcs"),
    "blob/idx": ("<u4", [0, 1, 2]),
    "blob/shape": ("2<u4", [64, 64]),
    "blob/psize_A": ("<f4", 2.5),
    "blob/sign": ("<f4", -1),
    "ctf/df1_A": ("<f4", 1e4),
    "micrograph_blob/path": ("S20", b"mic.mrc"),
}


@dataclass(frozen=True)
class Case:
    """A file that is read: its text, its JSON values or its table of numpy; and what reads it."""

    file: str
    whole: Any
    read: Callable[[Path], Any]


def text_of(write: Callable[[Path], None]) -> str:
    """What a writer of ours writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        write(path)
        return path.read_text(encoding="utf-8")


def table() -> np.ndarray:
    values = np.zeros(3, [(name, kind) for name, (kind, _) in CRYOSPARC.items()])
    for name, (_, column) in CRYOSPARC.items():
        values[name] = column
    return values


def read_picks(path: Path) -> None:
    for name, found in read_coordinates(path, 2.0).items():
        assert name == found.name
        assert np.isfinite(found.centers_yx).all()


def read_words(path: Path) -> None:
    for block in read_star(path).values():
        words = dict(block)
        assert {len(column) for column in words.values()} <= {block.count}


def read_parts(path: Path) -> None:
    """Particles for their images; a part of them is read again as it was."""
    found = open_particles(path)
    chosen = np.arange(len(found)) % 2 == 0
    part = path.with_name("part").with_suffix(path.suffix)
    found.write_part(part, chosen, {"ETS": np.arange(len(found)) / 2})
    again = open_particles(part)
    names = [found.stacks.image_name(row) for row in np.flatnonzero(chosen)]
    assert [again.stacks.image_name(row) for row in range(len(again))] == names


def read_pick_job(path: Path) -> None:
    record_from_dict(PickParams, read_job(path).params)


def in_folder(read: Callable[[Path], object]) -> Callable[[Path], None]:
    return lambda path: read(path.parent) and None


CASES: Dict[str, Case] = {
    **{
        f"picks {kind}": Case(
            f"mic{each.suffix}",
            text_of(lambda path, write=each.write: write(path, PICKS, 50.0)),
            read_picks,
        )
        for kind, each in WRITTEN.items()
    },
    "picks star": Case("m.star", text_of(lambda path: write_coordinates(path, PICKS)), read_picks),
    "refined star": Case("p.star", REFINED, read_picks),
    "old star": Case("p.star", OLD, read_picks),
    "list star": Case("autopick.star", LISTED, read_picks),
    "table cbox": Case("m.cbox", "10 20 50 50 0.9 40 40\n1.5 40 50 50 0.8 40 40\n", read_picks),
    "helix box": Case("m.box", "#helix: (1, 2),(3, 4),50\n10 20\n30 40\n", read_picks),
    "coord": Case("m.coord", "x y\n10 20\n30.5 40 7 a\n", read_picks),
    "xmd": Case("m.xmd", XMIPP, read_picks),
    "topaz": Case("m.txt", TOPAZ, read_picks),
    "cryoppp": Case(
        "m.csv",
        "Micrographs Filename,X-Coordinate,Y-Coordinate,Diameter\nm.mrc,1,2,5\n",
        read_picks,
    ),
    "cs": Case("m.cs", table(), read_picks),
    "words star": Case("p.star", REFINED, read_words),
    "particles star": Case("p.star", REFINED, read_particles),
    "old particles star": Case("p.star", OLD, read_particles),
    "particles cs": Case("p.cs", table(), read_particles),
    "images star": Case("p.star", REFINED, read_particle_images),
    "images cs": Case("p.cs", table(), read_particle_images),
    "ranked star": Case("p.star", REFINED, read_parts),
    "ranked cs": Case("p.cs", table(), read_parts),
    "masks star": Case("masks.star", MASKS, read_particle_masks),
    "ctfs": Case("ctf.star", CTFS, read_ctfs),
    "micrographs star": Case("m.star", CTFS, lambda path: find_micrographs([str(path)])),
    "exposures": Case("m.cs", table(), lambda path: find_micrographs([str(path)])),
    "job": Case("job.json", JOB, read_pick_job),
    "labels": Case(LABELS_NAME, LABELS, in_folder(read_labels_index)),
    "estimate": Case(
        DIAMETER_NAME, {"diameter": 150.0, "low": 140.0, "high": 160.0}, in_folder(read_estimate)
    ),
    "card": Case(
        "card.json",
        json.loads(CARD.to_json()),
        lambda path: card_from_json(path.read_text(encoding="utf-8", errors="replace"), path),
    ),
    "failures": Case(FAILURES_NAME, 'micrograph,error\na,"x, y"\nb,z\n', in_folder(read_failures)),
    "summaries": Case(PICKED_NAME, SUMMARIES, in_folder(read_summaries)),
    "consensus": Case(
        "c.star",
        text_of(ConsensusPicks(PICKS, np.eye(3, 2) < 1, np.full((3, 2), 0.5)).write),
        lambda path: read_consensus(path, 2.0, "mic"),
    ),
    "counts": Case("consensus.csv", COUNTS, in_folder(read_counts)),
    "scores": Case(SCORES_NAME, RANKED, in_folder(read_scores)),
    "screened": Case(
        f"{SCREENED_PICKS}/mic.star",
        SCREENED,
        lambda path: ScreenFolder(path.parent.parent).keep({"mic": "mic.mrc"}, "auto"),
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files are, with those that lists name."""
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "Pick").mkdir()
    (folder / SCREENED_PICKS).mkdir()
    for name in ("Pick/a_autopick.star", "Pick/b_autopick.star"):
        write_coordinates(folder / name, PICKS)
    for name in (*(f"{kind}.file" for kind in ENTRY), "mic.mrc", "mic1.mrc", "mic2.mrc"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("name", CASES)
def test_the_whole_file_is_read(folder: Path, name: str) -> None:
    case = CASES[name]
    (folder / case.file).write_bytes(content_of(case.whole))
    assert refusal(case.read, folder / case.file) == ""


@pytest.mark.parametrize("name", CASES)
def test_damaged_files(folder: Path, name: str) -> None:
    case = CASES[name]
    with little_memory():
        check_reader(case.read, folder / case.file, damaged(case.whole))


def test_damaged_headers_of_models(folder: Path) -> None:
    def packed(header: Any) -> bytes:
        text = json.dumps({"__metadata__": header}).encode()
        return len(text).to_bytes(8, "little") + text

    cards = damaged_json(json.loads(CARD.to_json()))
    headers = st.one_of(
        cards.map(lambda card: packed({"model_card": card.decode()})),
        cards.map(lambda card: packed({"model_card": json.loads(card)})),
        damaged_bytes(packed({"model_card": CARD.to_json()})),
        raw_bytes((2**60).to_bytes(8, "little")),
    )
    with little_memory():
        check_reader(read_card, folder / "model.safetensors", headers)


LONG = "x" * 300
DEEP = "9" * 400
FOUND = {
    "list in a comment": ("autopick.star", "# data_coordinate_files\ndata_x\n", "not found"),
    "list of long names": (
        "autopick.star",
        LISTED.replace("Pick/a", f"{LONG}/a"),
        "neither in the current folder",
    ),
    "long digits of EMAN2": ("a_info.json", f'{{"boxes": [[{DEEP}, 1]]}}', "expected x and y"),
    "long digits": (
        "a.picks.json",
        f'{{"micrograph": "a", "particles": [{{"x": 1, "y": {DEEP}}}]}}',
        "expected a number as y",
    ),
    "open quote": ("a.csv", 'x,y\n1,"' + "2," * 100_000, "field larger than field limit"),
    "line break": ("a.csv", 'x,y\n1,"2\n3"\n', r"got '2\n3' in row 1"),
}
"""Faults that were found so, and what is said of each file now."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_mended(folder: Path, name: str) -> None:
    file, text, message = FOUND[name]
    (folder / file).write_text(text, encoding="utf-8")
    assert message in refusal(read_picks, folder / file)


@pytest.mark.parametrize(
    ("field", "kind", "message"),
    [
        ("location/center_x_frac", "U5", "expected numbers of shape ()"),
        ("location/center_x_frac", "c8", "expected numbers of shape ()"),
        ("location/micrograph_shape", "f4", "expected whole numbers of shape (2,)"),
        ("alignments3D/shift", "3f4", "expected numbers of shape (2,)"),
        ("location/micrograph_path", "f4", "expected text of shape ()"),
    ],
)
def test_fields_of_another_kind(folder: Path, field: str, kind: str, message: str) -> None:
    values = table()
    kinds = {name: values.dtype[name] for name in values.dtype.names}
    np.save(folder / "kind.npy", np.zeros(3, list({**kinds, field: np.dtype(kind)}.items())))
    (folder / "kind.npy").replace(folder / "kind.cs")
    said = refusal(read_picks, folder / "kind.cs")
    assert message in said
    assert f"in the field {field} of" in said


def test_picks_of_several_micrographs_are_not_those_of_one(folder: Path) -> None:
    results = PickFolder(folder / "picks")
    write_coordinates_star(results.file(COORDINATES, "a"), [("a.mrc", PICKS), ("b.mrc", PICKS)])
    message = refusal(lambda path: results.read(COORDINATES, "a", 2.0), folder)
    assert "expected coordinates of micrograph a alone" in message


@pytest.mark.parametrize("change", [("1+2", "1+3"), ("1+2", "both"), ("InSet2", "InSet7")])
def test_sets_that_there_are_not(folder: Path, change: Tuple[str, str]) -> None:
    both = ConsensusPicks(PICKS, np.ones((3, 2), bool), np.full((3, 2), 0.5))
    (folder / "c.star").write_text(text_of(both.write).replace(*change))
    message = refusal(lambda path: read_consensus(path, 2.0, "mic"), folder / "c.star")
    assert "expected sets from 1 to 2 and their scores" in message


def test_errors_are_one_line_of_what_can_be_seen() -> None:
    for error in (InputError, ParameterError, ModelError):
        assert str(error("a\nb\x1b[31m\u2028é")) == "a\\nb\\x1b[31m\\u2028é"
