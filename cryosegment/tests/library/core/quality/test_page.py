# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from cryosegment.core.quality.inspection import Inspector
from cryosegment.core.quality.pictures import write_pictures
from cryosegment.core.quality.report import Quality
from cryosegment.exchange.labels import read_labels_index
from cryosegment.tests.browser import look

LOOK = """
findings.unseen = [...document.images].filter((image) => !image.naturalWidth).length;
findings.images = document.images.length;
findings.warnings = [...document.querySelectorAll(".warning")].map((each) => each.textContent);
findings.rows = [...document.querySelectorAll("tbody tr")].map((row) =>
  [...row.cells].map((cell) => cell.textContent));
document.querySelector("tbody tr:last-child a").click();
findings.shown = document.querySelector(".overlays figure:not([hidden])").dataset.name;
"""


@pytest.mark.slow
def test_the_page_works_in_a_browser(label, tmp_path):
    """Labels flipped upside down: the page warns, and shows both micrographs."""
    folder = label(lambda centers: np.stack((299 - centers[:, 0], centers[:, 1]), 1))
    entries, inspector = read_labels_index(folder).entries, Inspector("none")
    quality = Quality([inspector.inspect(entry) for entry in entries], {"overlaps": 3}, "none")
    write_pictures(tmp_path / "out", quality, inspector, entries, 2)
    found = look(tmp_path / "out" / "report.html", LOOK)
    assert found["console"] == []
    assert (found["images"], found["unseen"]) == (6 + 2, 0)
    assert found["warnings"] == quality.notes
    ranked = sorted(quality.inspections, key=lambda own: abs(own.contrast.cohen_d))
    assert [(row[0], row[1], int(row[2])) for row in found["rows"]] == [
        (own.name, f"{own.contrast.cohen_d:+.2f}", len(own.centers_yx)) for own in ranked
    ]
    assert found["shown"] == ranked[-1].name
