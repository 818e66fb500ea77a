# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks that are selected as one looks, against those that `repick` writes."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest

from cryosegment.cli.main import main
from cryosegment.exchange.coordinates import read_coordinates
from cryosegment.exchange.errors import InputError
from cryosegment.exchange.params import RepickParams
from cryosegment.exchange.pick_folder import CANDIDATES, COORDINATES, PickFolder
from cryosegment.window.selection import PickSelection

SIZE = 2.0


def counted(selection: PickSelection) -> PickSelection:
    while selection.proceed(10) < 1:
        pass
    return selection


def repicked(selection: PickSelection, folder: Path) -> dict[str, int]:
    """What the command line of a selection picks on each micrograph."""
    arguments = shlex.split(selection.command)[1:]
    assert main([*arguments, "--output", str(folder)]) == 0
    return PickFolder(folder).counts()


def figures(selection: PickSelection) -> dict[str, int]:
    return {name: selection.figures(name)[0] for name in selection.files}


def test_the_run_is_counted_from_its_figures_alone(picks: Path) -> None:
    for path in (picks / CANDIDATES).iterdir():
        path.write_text("damaged")
    selection = PickSelection(picks)
    assert figures(selection) == PickFolder(picks).counts()
    assert selection.total() == sum(PickFolder(picks).counts().values()) > 0
    assert selection.threshold is None  # it follows the candidates, which are not read
    with pytest.raises(InputError):
        selection.proceed(10)


def test_before_the_threshold_is_known_the_picks_are_those_of_the_run(picks: Path) -> None:
    selection = PickSelection(picks)
    name = next(iter(selection.files))
    picked = PickFolder(picks).read(COORDINATES, name, SIZE)
    for _ in range(2):  # and when it is known, the same
        found = selection.picks(name)
        np.testing.assert_array_equal(found.centers_yx, picked.centers_yx)
        np.testing.assert_array_equal(found.scores, picked.scores)
        np.testing.assert_allclose(found.isolations, picked.isolations, atol=0.01)
        counted(selection)
    assert selection.threshold == min(
        each.scores.min() for each in read_coordinates(picks / COORDINATES, SIZE).values()
    )


@pytest.mark.parametrize(
    ("threshold", "limits"),
    [
        (0.25, {}),
        (0.6374, {}),
        (None, {"min_distance": "0.85"}),
        (0.3, {"min_distance": "0.85", "min_diameter": "45", "max_diameter": "70"}),
        (1.0, {}),
    ],
    ids=str,
)
def test_counts_are_those_of_repick(picks, tmp_path, threshold, limits) -> None:
    selection = counted(PickSelection(picks))
    if threshold is not None:
        selection.move(threshold)
    for name, value in limits.items():
        selection.limit(name, value)
    if limits:
        assert selection.total() is None  # until they are counted anew
        counted(selection)
    expected = repicked(selection, tmp_path / "out")
    assert figures(selection) == expected
    for name in selection.files:
        written = PickFolder(tmp_path / "out").read(COORDINATES, name, SIZE)
        found = selection.picks(name)
        np.testing.assert_array_equal(found.centers_yx, written.centers_yx)
        score = selection.figures(name)[1]
        assert score == pytest.approx(written.scores.mean()) if len(found) else score != score


@pytest.mark.parametrize("wish", [{"number": 50}, {"precision": 0.9}, {"threshold": "card"}])
def test_it_begins_with_the_parameters_of_a_form(picks, tmp_path, wish) -> None:
    selection = PickSelection(picks, RepickParams(**wish))
    counted(selection)
    assert figures(selection) == repicked(selection, tmp_path / "out")


def test_smaller_distances_than_those_of_the_run_are_refused(picks) -> None:
    with pytest.raises(InputError, match="distance between picks"):
        PickSelection(picks, RepickParams(min_distance="0.1"))


def test_picks_are_removed_and_added_by_hand(picks) -> None:
    selection = counted(PickSelection(picks))
    name, other, _ = selection.files
    before, others = selection.picks(name), selection.picks(other)
    near = before.centers_yx[3] + (4, -3)  # 10 Å away
    assert selection.click(name, tuple(near)).row is not None
    after = selection.picks(name)
    assert sorted(map(tuple, after.centers_yx)) == sorted(
        map(tuple, np.delete(before.centers_yx, 3, axis=0))
    )
    assert selection.figures(name)[0] == len(before) - 1
    selection.click(name, tuple(near))  # its candidate is there again, with its score
    again = selection.picks(name)
    np.testing.assert_array_equal(again.scores, before.scores)
    selection.click(name, (3.0, 4.0))  # where no candidate is
    added = selection.picks(name)
    assert len(added) == len(before) + 1
    np.testing.assert_array_equal(added.centers_yx[-1], (3.0, 4.0))
    assert np.isnan(added.scores[-1])
    assert selection.in_words() == "as in the run, 3 by hand"
    selection.move(1.0)  # what was added stays, whatever the threshold
    assert len(selection.picks(name)) == 2 + (before.scores == 1.0).sum() - (before.scores[3] == 1)
    selection.click(name, (5.0, 4.0))
    assert len(selection.picks(name)) == 1 + (before.scores == 1.0).sum() - (before.scores[3] == 1)
    while selection.edits.undo():
        pass
    selection.change(RepickParams())
    counted(selection)
    np.testing.assert_array_equal(selection.picks(name).centers_yx, before.centers_yx)
    np.testing.assert_array_equal(selection.picks(other).centers_yx, others.centers_yx)


def test_a_click_near_a_candidate_adds_it_and_elsewhere_a_place(picks) -> None:
    selection = counted(PickSelection(picks))
    selection.move(0.97)
    name = next(iter(selection.files))
    places, chosen = (own.centers_yx for own in (selection.candidates(name), selection.picks(name)))
    away = np.linalg.norm(places[:, None] - chosen, axis=2).min(axis=1)
    row = int(away.argmax())  # no pick is near
    at = places[row] + 8  # 11 px from it, of 30 px of a particle
    assert selection.click(name, tuple(at)).row is None
    selection.edits.undo()
    assert selection.click(name, tuple(places[row] + 4)).row == row
