# SPDX-License-Identifier: GPL-3.0-or-later
from cryosegment.cli.outcome import Outcome


def test_a_run_ends_with_what_it_made_and_where():
    outcome = Outcome("12 micrographs, 3480 picks", "cuda:1", 2)
    line = outcome.closing_line("pick", 61.26, "/data/picks")
    expected = "12 micrographs, 3480 picks, 2 failed; 61.3 s on GPU 1; results in /data/picks"
    assert line == f"pick: {expected}"
    line = Outcome("1 file, 5.0 KB").closing_line("fetch", 0.2, "data")
    assert line == "fetch: 1 file, 5.0 KB; 0.2 s; results in data"
