# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.star import block as block_module
from cryosegment.exchange.star import read_star, write_star, write_star_subset

RELION_31 = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnImagePixelSize #3
opticsGroup1            1     1.770000


# version 30001

data_particles

loop_
_rlnImageName #1
_rlnCoordinateX #2
_rlnFarFromKnown #3
_rlnOpticsGroup #4
000001@Extract/a.mrcs  1234.5000000   1.0e-08   1
# a remark
000002@Extract/a.mrcs  -999.0         0.10      1
000001@Extract/b.mrcs  12             007       1

""".replace("\n", " \n")
KEPT = np.array([True, False, True])
QUALITY = np.array([0.25, 0.5, 1.0])


def subset(tmp_path, text, block="particles", chosen=KEPT, encoding="utf-8", **added):
    source, path = tmp_path / "a.star", tmp_path / "b.star"
    source.write_bytes(text.encode(encoding))
    write_star_subset(path, read_star(source)[block], chosen, added)
    return path.read_bytes()


def test_all_text_but_the_rows_stays(tmp_path):
    found = subset(tmp_path, RELION_31, quality=QUALITY, count=np.array([3, 4, 5])).decode()
    before, after = RELION_31.split("000001@Extract/a.mrcs")[0], "\n \n"
    assert found.startswith(before + "_quality #5 \n_count #6 \n")
    assert found.endswith(after)
    rows = found[: -len(after)].split("_count #6 \n")[1].splitlines()
    assert rows == [
        "000001@Extract/a.mrcs  1234.5000000   1.0e-08   1 0.250000 3 ",
        "000001@Extract/b.mrcs  12             007       1 1.000000 5 ",
    ]


def test_parts_of_any_length_are_the_rows_of_one(tmp_path, monkeypatch):
    """Rows are taken in parts, whose borders lose none."""
    cells = [f"{i:05d}" for i in range(11)]
    write_star(tmp_path / "all.star", {"": {"rlnA": cells}})
    text = (tmp_path / "all.star").read_text()
    chosen, numbers = np.arange(11) % 3 != 1, np.arange(11)
    for chunk in (1, 2, 5, 11, 50):
        monkeypatch.setattr("cryosegment.exchange.star.subset.CHUNK", chunk)
        subset(tmp_path, text, "", chosen, number=numbers)
        found = read_star(tmp_path / "b.star")[""]
        assert found["rlnA"] == [cells[i] for i in np.flatnonzero(chosen)]
        assert found["number"] == [str(i) for i in np.flatnonzero(chosen)]
    assert block_module.CHUNK > 1000


def test_a_column_that_is_there_gets_new_values(tmp_path):
    subset(tmp_path, RELION_31, rlnFarFromKnown=QUALITY, more=QUALITY)
    found = read_star(tmp_path / "b.star")["particles"]
    assert found.columns[-3:] == ("rlnFarFromKnown", "rlnOpticsGroup", "more")
    assert found["rlnFarFromKnown"] == found["more"] == ["0.250000", "1.000000"]
    assert found["rlnCoordinateX"] == ["1234.5000000", "12"]


def test_comments_quotations_and_other_encodings(tmp_path):
    text = "data_\nloop_\n_name #1\n_x #2\n'a b#.mrc' 1 # first\n\"c's\" 2.50\nmic#1_\xe4.mrc 3\n"
    for encoding in ("utf-8", "utf-8-sig", "latin-1", "utf-16"):
        raw = subset(tmp_path, text, "", np.ones(3, bool), encoding, q=QUALITY)
        assert (b"\xe4" in raw) == (encoding == "latin-1")
        found = read_star(tmp_path / "b.star")[""]
        assert found["name"] == ["a b#.mrc", "c's", "mic#1_\xe4.mrc"]
        assert found["x"] == ["1", "2.50", "3"]
        assert found["q"] == ["0.250000", "0.500000", "1.000000"]


@pytest.mark.parametrize("text", ["data_\n_x 1\n", "data_\nloop_\n_x #1\n1\n2\n"])
def test_other_tables_are_refused(tmp_path, text):
    with pytest.raises(InputError, match="expected a table of 3 rows"):
        subset(tmp_path, text, "", q=QUALITY)
