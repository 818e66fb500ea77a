# SPDX-License-Identifier: GPL-3.0-or-later
import time

import numpy as np
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
        reference = starfile.read(path, always_dict=True)
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
        ("data_a\n_x 1\nloop_\n_y\n1\n", "line 3: a second table"),
        ("data_a\nloop_\n_x #1\n1\nloop_\n_y #1\n", "line 5: a second table"),
        ("data_a\n_x 1\n_x 2\n", "line 3: a second column"),
        ("data_a\n_x\n", "line 2: expected a name and a value"),
        ("data_a\n1 2\n", "line 2: expected 0 values"),
    ],
)
def test_a_broken_file_says_where(tmp_path, text, message):
    path = tmp_path / "bad.star"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        [dict(block) for block in read_star(path).values()]


def test_columns_of_two_lengths_are_not_written(tmp_path):
    with pytest.raises(InputError, match="one length"):
        write_star(tmp_path / "a.star", {"": {"a": [1], "b": []}})


def read(tmp_path, text, **options):
    (tmp_path / "a.star").write_text(text, **options)
    return read_star(tmp_path / "a.star")


@pytest.mark.parametrize("name", ["data_0001.mrc", "data_jan/m", "_m", "loop_1.mrc"])
def test_rows_may_begin_like_something_else(tmp_path, name):
    head = "data_particles\n\nloop_\n_rlnMicrographName #1\n_rlnCoordinateX #2\n"
    block = read(tmp_path, f"{head}{name} 1\n\n{name} 2\n\ndata_next\n_a 1\n")
    assert block["particles"] == {
        "rlnMicrographName": [name] * 2,
        "rlnCoordinateX": ["1", "2"],
    }
    assert block["next"] == {"a": ["1"]}


@pytest.mark.parametrize("name", ["data_0001.mrc", "_m.mrc"])
def test_rows_of_one_column_may_begin_like_something_else(tmp_path, name):
    blocks = read(tmp_path, f"data_a\nloop_\n_rlnMicrographName #1\n{name}\n{name}\n\ndata_b\n")
    assert blocks == {"a": {"rlnMicrographName": [name] * 2}, "b": {}}


def test_a_block_may_follow_a_loop_of_one_column_at_once(tmp_path):
    """As in the files of Xmipp."""
    blocks = read(tmp_path, "data_header\nloop_\n _state\nManual\ndata_particles\n_x 1\n")
    assert blocks == {"header": {"state": ["Manual"]}, "particles": {"x": ["1"]}}


def test_of_two_blocks_of_one_name_the_first_counts(tmp_path, caplog):
    blocks = read(tmp_path, "data_a\nloop_\n_x\n1\n\ndata_b\n_y 2\n\ndata_a\nloop_\n_z\n3\n")
    assert blocks == {"a": {"x": ["1"]}, "b": {"y": ["2"]}}
    assert "several blocks data_a" in caplog.text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "utf-8"])
def test_files_of_other_encodings(tmp_path, encoding):
    text = "data_\n# in Å\nloop_\n_rlnMicrographName #1\n_rlnX #2\nmühle.mrc 1\n"
    assert read(tmp_path, text, encoding=encoding) == {
        "": {"rlnMicrographName": ["mühle.mrc"], "rlnX": ["1"]}
    }


def test_numbers_and_text_of_a_large_table(tmp_path):
    """In the order of the file, over the parts in which it is read."""
    count = 120_001
    rows = "".join(f" {i} m{i // 50_000}.mrc {i / 4:.2f}\n" for i in range(count))
    block = read(tmp_path, f"data_\nloop_\n_rlnA #1\n_rlnName #2\n_rlnB #3\n{rows}\n")[""]
    numbers, texts = block.read(("rlnB", "rlnNone", "rlnA"), ("rlnName",))
    assert list(numbers) == ["rlnB", "rlnA"]
    np.testing.assert_array_equal(numbers["rlnA"], np.arange(count))
    np.testing.assert_array_equal(numbers["rlnB"], np.arange(count) / 4)
    assert texts == {"rlnName": [f"m{i // 50_000}.mrc" for i in range(count)]}
    assert (block.count, len(block)) == (count, 3)


@pytest.mark.parametrize("quote", ["'", '"', ""])
def test_quotation_marks_are_not_part_of_the_text(tmp_path, quote):
    rows = f"{quote}m.mrc{quote} 1\n" * 5
    block = read(tmp_path, f"data_\nloop_\n_rlnMicrographName\n_rlnX\n{rows}")[""]
    assert block.read(texts=("rlnMicrographName",))[1] == {"rlnMicrographName": ["m.mrc"] * 5}


@pytest.mark.parametrize("cell", ["<NA>", "None", "nan", "null"])
def test_missing_numbers_are_nan(tmp_path, cell):
    block = read(tmp_path, f"data_\nloop_\n_a\n_b\n1 {cell}\n3 4 # seen\n")[""]
    numbers, texts = block.read(("a", "b"))
    np.testing.assert_array_equal(numbers["a"], [1, 3])
    np.testing.assert_array_equal(numbers["b"], [np.nan, 4])
    assert texts == {}


def test_text_in_a_column_of_numbers_says_where(tmp_path):
    block = read(tmp_path, "data_\nloop_\n_a\n_b\n1 2\n3 x\n")[""]
    assert block.read(("a",))[0]["a"].tolist() == [1, 3]
    with pytest.raises(InputError, match=r"column b of .*a\.star, got 'x' in row 2"):
        block.read(("b",))


def test_a_quotation_over_two_lines_is_refused(tmp_path):
    with pytest.raises(InputError, match="quotation without end"):
        read(tmp_path, 'data_\nloop_\n_a\n_b\n1 2\n3 "4\n5" 6\n')[""].read(("a",))


@pytest.mark.slow
def test_a_header_of_many_columns_takes_time_in_proportion(tmp_path):
    """Sixteen times the columns: a reader that looks at all for each would take 256 times."""
    few, many = (best_reading_time(tmp_path, columns) for columns in (2_000, 32_000))
    assert many < 100 * few


def best_reading_time(folder, columns):
    """CPU seconds of the fastest of three readings: the others met something else."""
    labels = "".join(f"_c{i} #{i + 1}\n" for i in range(columns))
    text = f"data_\nloop_\n{labels}{' '.join(map(str, range(columns)))}\n"
    (folder / "a.star").write_text(text)
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        block = read_star(folder / "a.star")[""]
        assert block[f"c{columns - 1}"] == [str(columns - 1)]
        seconds.append(time.process_time() - begin)
    return min(seconds)
