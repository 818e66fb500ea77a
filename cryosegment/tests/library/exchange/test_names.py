# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.exchange.errors import InputError
from cryosegment.exchange.names import (
    ByMicrograph,
    is_image_file,
    match_names,
    name_of_picks,
    names_in_file,
)


@pytest.mark.parametrize(
    "file",
    [
        "m_1.star",
        "m_1_autopick.star",
        "m_1_manualpick.star",
        "m_1_extract.star",
        "m_1_topazpicks.star",
        "m_1_automatch.star",
        "m_1_pick.star",
        "m_1_info.json",
        "m_1.coords.star",
        "m_1.mrc.star",
        "m_1.mrc_autopick.star",
        "m_1_topazpick.mrc.star",
        "Movies/m_1.tif.cbox",
        "C:\\data\\m_1_pick.star",
    ],
)
def test_files_of_pickers_are_named_after_their_micrograph(file):
    assert name_of_picks(file) == "m_1"


def test_a_name_that_is_all_ending_stays():
    assert name_of_picks("_pick.star") == "_pick"
    assert name_of_picks("autopick.star") == "autopick"
    assert name_of_picks("m.frames.star") == "m.frames"


def test_images_are_told_by_their_suffix():
    assert is_image_file("m.MRC")
    assert is_image_file("m.mrc.bz2")
    assert not is_image_file("m.frames")


def test_names_are_matched_exactly_then_by_file_then_without_uid():
    assert match_names(["a", "123_b", "7_c", "d"], ["a", "b", "9_c"]) == {
        "a": "a",
        "123_b": "b",
        "7_c": "9_c",
    }
    assert match_names(["file", "name"], ["name"], ["file"]) == {"file": "name", "name": "name"}
    # two micrographs that differ by the number alone
    assert match_names(["3_a"], ["1_a", "2_a"]) == {}
    assert match_names(["1_a"], ["1_a", "2_a"]) == {"1_a": "1_a"}


def test_a_micrograph_may_be_named_like_a_file_of_picks():
    assert match_names([name_of_picks("a_pick.star")], ["a_pick"]) == {"a": "a_pick"}


def test_one_micrograph_is_given_once():
    assert names_in_file(["5_a", "b"], ["a"]) == {"a": "5_a"}
    with pytest.raises(InputError, match="micrograph a is given twice, as a and as 5_a"):
        names_in_file(["a", "5_a"], ["a"])


def test_values_are_found_by_the_micrographs_name():
    values = ByMicrograph({"12_a": 1, "b": 2})
    assert (values.of("a"), values.of("12_a"), values.of("7_b"), values.of("c")) == (1, 1, 2, None)
    assert dict(values) == {"12_a": 1, "b": 2}
