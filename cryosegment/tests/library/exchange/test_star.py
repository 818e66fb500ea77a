# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import starfile

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.star import read_star, write_star

# RELION ends its lines with a blank
RELION = """
# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnVoltage #3
opticsGroup1            1   300.000000


# version 30001

data_particles

loop_
_rlnMicrographName #1
_rlnCoordinateX #2
"my mic #1.mrc"   10.500000
'it"s.mrc'  20.5 # a comment
d'arc.mrc 3

""".replace("\n", " \n")


def test_relions_layout_with_quotes_and_comments(tmp_path):
    path = tmp_path / "a.star"
    path.write_text(RELION)
    assert read_star(path) == {
        "optics": {
            "rlnOpticsGroupName": ["opticsGroup1"],
            "rlnOpticsGroup": ["1"],
            "rlnVoltage": ["300.000000"],
        },
        "particles": {
            "rlnMicrographName": ["my mic #1.mrc", 'it"s.mrc', "d'arc.mrc"],
            "rlnCoordinateX": ["10.500000", "20.5", "3"],
        },
    }


def test_single_items_and_windows_line_ends(tmp_path):
    path = tmp_path / "a.star"
    path.write_bytes(b"data_\r\n_rlnA 1\r\n_rlnB 'two words'\r\n")
    assert read_star(path) == {"": {"rlnA": ["1"], "rlnB": ["two words"]}}


def test_agrees_with_starfile_on_real_files(shared_data):
    paths = [
        shared_data / "empiar10017" / "poses_relion31.star",
        *sorted((shared_data / "empiar10017" / "coordinates").glob("*.star"))[:2],
        *sorted((shared_data / "particles").rglob("*.star")),
    ]
    for path in paths:
        reference = starfile.read(path, always_dict=True, parse_as_string=[])
        ours = read_star(path)
        assert list(ours) == list(reference)
        for name, table in reference.items():
            rows = table if isinstance(table, dict) else table.to_dict("list")
            assert list(ours[name]) == list(rows)
            for column, values in rows.items():
                values = values if isinstance(values, list) else [values]
                converted = [type(v)(text) for v, text in zip(values, ours[name][column])]
                assert converted == values


def test_what_we_write_starfile_reads(tmp_path):
    path = tmp_path / "a.star"
    blocks = {
        "one": {"rlnName": ["a b.mrc", 'c"d.mrc', "plain"], "rlnX": [1.5, -2.25, 1e6]},
        "two": {"rlnN": [1, 2]},
    }
    write_star(path, blocks)
    table = starfile.read(path, always_dict=True)
    assert table["one"]["rlnX"].tolist() == [1.5, -2.25, 1e6]
    assert table["two"]["rlnN"].tolist() == [1, 2]
    assert read_star(path)["one"]["rlnName"] == ["a b.mrc", 'c"d.mrc', "plain"]


def test_an_empty_loop_keeps_its_columns(tmp_path):
    write_star(tmp_path / "a.star", {"": {"rlnX": [], "rlnY": []}})
    assert read_star(tmp_path / "a.star") == {"": {"rlnX": [], "rlnY": []}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a STAR file"),
        ("hello", "line 1: expected data_"),
        ("data_\nloop_\n_a #1\n_b #2\n1 2\n3\n", "line 6: expected 2 values in a row, got 1"),
        ("data_\nloop_\n_a #1\n'x\n", "line 4: a quotation without end"),
        ("data_a\n_x 1\ndata_a\n", "line 3: a second block"),
        ("data_a\n_x 1\n_x 2\n", "line 3: a second column"),
        ("data_a\n_x\n", "line 2: expected a name and a value"),
        ("data_a\n1 2\n", "line 2: expected 0 values"),
    ],
)
def test_a_broken_file_says_where(tmp_path, text, message):
    path = tmp_path / "bad.star"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_star(path)


def test_columns_of_two_lengths_are_not_written(tmp_path):
    with pytest.raises(InputError, match="one length"):
        write_star(tmp_path / "a.star", {"": {"a": [1], "b": []}})
