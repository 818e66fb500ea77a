# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.coordinates import Coordinates, write_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.pick_folder import CANDIDATES, CONTENTS, COORDINATES, SUFFIXES, PickFolder
from cryosegment.exchange.pick_summary import MicrographSummary, write_summaries

NAMES = ["a", "a.b_picks", "a_autopick"]


@pytest.fixture
def folder(tmp_path):
    folder = PickFolder(tmp_path)
    for count, name in enumerate(NAMES):
        picks = Coordinates([[row, 2.0] for row in range(count)], 1.5, name)
        write_coordinates(folder.file(COORDINATES, name), picks)
    return folder


def test_micrographs_named_like_files_of_pickers_are_read_under_their_own_names(folder):
    assert sorted(folder.names(COORDINATES)) == NAMES
    for count, name in enumerate(NAMES):
        picks = folder.read(COORDINATES, name, 3.0)
        assert (picks.name, len(picks), picks.pixel_size) == (name, count, 3.0)


def test_a_micrograph_is_picked_when_its_coordinates_are_there(folder):
    assert folder.is_picked("a")
    assert not folder.is_picked("b")
    assert folder.names(CANDIDATES) == []
    with pytest.raises(InputError, match="does not exist"):
        folder.read(CANDIDATES, "a", 3.0)


def test_counts_are_those_of_the_figures(folder):
    assert folder.counts() == {}
    rows = [MicrographSummary(name, 1.5, (8, 8), 7, 7.5, 0.5, 0.0) for name in ("a", "z")]
    write_summaries(folder.path, rows)
    assert folder.counts() == {"a": 7, "z": 7}
    assert list(folder.summaries()) == ["a", "z"]


def test_all_that_picking_writes_is_listed_but_its_job(folder, tmp_path):
    files = {folder.everything, folder.false_discovery, folder.picking}
    assert files == {
        tmp_path / f for f in ("coordinates.star", "false_discovery.csv", "picking.json")
    }
    assert {path.name for path in files} < set(CONTENTS)
    assert folder.job == tmp_path / "job.json"
    assert folder.job.name not in CONTENTS
    assert {folder.folder(kind).name for kind in SUFFIXES} < set(CONTENTS)
