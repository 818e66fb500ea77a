# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.cli.set_names import set_names
from cryosegment.exchange.errors import InputError, ParameterError


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/a/picks/coordinates"], ["picks"]),
        (["/a/topaz.star", "/a/cryolo.star"], ["topaz", "cryolo"]),
        (["/a/picks/coordinates", "/a/picks/candidates"], ["picks", "candidates"]),
        (["/a/one/picks.star", "/a/two/picks.star"], ["one/picks", "two/picks"]),
    ],
)
def test_names_of_sets_are_what_tells_their_paths_apart(paths, names):
    assert set_names(paths) == names


def test_one_path_twice_needs_names():
    with pytest.raises(InputError, match="named '/a/b': give each a name of its own"):
        set_names(["/a/b", "/a/b"])


def test_names_that_are_given():
    assert set_names(["/a/b", "/a/b"], ["one", "two"]) == ["one", "two"]
    with pytest.raises(ParameterError, match="names of 2 sets, got 1"):
        set_names(["/a/b", "/a/c"], ["one"])
