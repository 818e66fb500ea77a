# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.datasets import search as search_module
from cryosegment.core.datasets.search import search_entries
from cryosegment.exchange.errors import InputError


@pytest.fixture
def maps(archive):
    rows = [
        ("EMD-1", "ribosome of yeast", "3.2", "EMPIAR-10028"),
        ("EMD-3", "proteasome", "2.8", "EMPIAR-10025"),
        ("EMD-2", "ribosome, mitochondrial", "2.9", "10028;10061"),
        ("EMD-4", "ribosome without raw data", "2.0", ""),
        ("EMD-5", "galactosidase", "4.2", "EMPIAR-10017"),
        ("EMD-6", "ribosome whose entry is gone", "3.0", "EMPIAR-10099"),
    ]
    for emdb, title, resolution, empiar in rows:
        archive.maps.append(
            {"emdb_id": emdb, "title": title, "resolution": resolution, "xref_EMPIAR": empiar}
        )
    for number in ("10017", "10061"):
        archive.add_entry(number, picked_particles_file_pattern="data/*.star")
    for number in ("10025", "10028"):
        archive.add_entry(number)
    return archive


def found(server, text="*", resolution=None, coordinates=False, limit=50):
    entries = search_entries(server, text, resolution, coordinates, limit)
    return [(one.entry.number, one.resolution, one.emdb) for one in entries]


def test_all_entries_come_by_resolution_each_with_its_best_map(maps, server):
    assert found(server) == [
        ("10025", 2.8, "EMD-3"),
        ("10028", 2.9, "EMD-2"),
        ("10061", 2.9, "EMD-2"),
        ("10017", 4.2, "EMD-5"),
    ]
    query = next(path for kind, path, _ in maps.seen if kind == "GET")
    assert query.endswith(
        'structure_determination_method:"singleParticle" AND current_status:"REL"'
    )


def test_resolution_words_and_coordinates_choose(maps, server):
    assert [number for number, *_ in found(server, resolution=2.85)] == ["10025"]
    assert [number for number, *_ in found(server, "ribosome")] == ["10028", "10061"]
    assert [number for number, *_ in found(server, coordinates=True)] == ["10061", "10017"]
    assert found(server, "ribosome", 2.5) == []


def test_the_limit_ends_the_search(maps, server):
    assert len(found(server, limit=2)) == 2


def test_page_after_page_is_asked_for(maps, server, monkeypatch):
    monkeypatch.setattr(search_module, "ROWS", 2)
    assert [number for number, *_ in found(server)] == ["10025", "10061", "10028", "10017"]
    assert sum(kind == "GET" for kind, *_ in maps.seen) == 4
    maps.seen.clear()
    assert len(found(server, limit=1)) == 1
    assert sum(kind == "GET" for kind, *_ in maps.seen) == 1


def test_another_answer_is_told(archive, server):
    archive.maps = None
    query = (
        '/emdb/api/search/structure_determination_method:"singleParticle" AND current_status:"REL"'
    )
    archive.files[query] = archive.add("x", b"<html>Maintenance</html>")
    with pytest.raises(InputError, match="expected the columns emdb_id, title"):
        found(server)
