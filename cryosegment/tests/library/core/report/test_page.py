# SPDX-License-Identifier: GPL-3.0-or-later
import re

import numpy as np
import pytest

from cryosegment.core.report import (
    Bar,
    Column,
    Command,
    Estimate,
    Fact,
    Facts,
    Marks,
    MarkStyle,
    Overlay,
    Overlays,
    Page,
    Pictures,
    Place,
    Section,
    Sheet,
    Table,
    Text,
    Tile,
    figure_picture,
    new_figure,
    photograph,
    write_page,
)
from cryosegment.core.report.colors import BLUE, ORANGE, SKY
from cryosegment.exchange.errors import InputError
from cryosegment.tests.browser import look, print_pdf

HOSTILE = "<script>window.bad = 1</script>"
NAMES = (HOSTILE, '" onerror="window.bad = 1', "{{ 7 * 7 }}", "d </select>")
HIT, MISS = MarkStyle("hits", SKY), MarkStyle("missed", ORANGE, "square")

PICTURES = """
findings.unseen = [...document.images].filter((image) => !image.naturalWidth).length;
findings.images = document.images.length;
"""
ESCAPES = """
findings.bad = window.bad;
findings.scripts = document.scripts.length;
findings.names = [...document.querySelectorAll("td:first-child")].map((cell) => cell.textContent);
findings.title = document.title;
"""
SORTING = """
const table = document.querySelector(".table"), heads = table.querySelectorAll("th");
const column = (index) => [...table.querySelectorAll("tbody tr")].filter((row) => !row.hidden)
  .map((row) => row.cells[index].textContent.trim().split(" ")[0]);
const sorted = (index) => { heads[index].querySelector("button").click(); return column(index); };
findings.rising = sorted(1); findings.falling = sorted(1); findings.state = heads[1].ariaSort;
findings.words = sorted(2);
findings.estimates = sorted(3);
"""
FILTERING = """
const filter = table.querySelector("input");
const filtered = (text) => { filter.value = text; filter.oninput(); return column(2).sort(); };
findings.filters = [
  "", "x1", "score < 0.5", "f1 >= 0.2, x", "score < 0.5, x1", "nothing"
].map(filtered);
findings.count = table.querySelector(".count").textContent;
"""
ZOOMING = """
const block = document.querySelector(".overlays"), figures = block.querySelectorAll("figure");
const shown = () => [...figures].findIndex((figure) => figure.checkVisibility());
const frame = () => figures[shown()].querySelector(".window");
const layer = () => frame().querySelector(".layer");
const press = (key) => frame().dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const zoom = () => layer().clientWidth / frame().offsetWidth;
// the place of the picture, in its px, that lies in the middle of the window
const middle = () => ["Left", "Top"].map((side, i) => {
  const size = i ? frame().clientHeight : frame().clientWidth, image = layer().querySelector("img");
  return (frame()["scroll" + side] + size / 2) * image.naturalWidth / layer().clientWidth;
});
findings.whole = zoom();
block.querySelector(".in").click(); findings.button = zoom(); findings.kept = middle();
press("+"); findings.key = zoom();
const before = [frame().scrollLeft, frame().scrollTop];
const drag = { buttons: 1, movementX: -30, movementY: 20 };
frame().dispatchEvent(new PointerEvent("pointermove", drag));
findings.dragged = [frame().scrollLeft - before[0], frame().scrollTop - before[1]];
press("0"); findings.back = zoom();
const wheel = () => frame().dispatchEvent(new WheelEvent("wheel", { deltaY: -1 }));
document.activeElement.blur(); wheel(); findings.wheel = [zoom()];
frame().focus(); wheel(); findings.wheel.push(zoom());
press("n"); findings.next = shown(); press("p"); press("p"); findings.previous = shown();
const link = [...document.querySelectorAll(".sheet a")][0];
link.click();
const group = block.querySelector(".group").value;
findings.place = { shown: shown(), zoom: zoom(), middle: middle(), group };
"""
MARKS = """
const visible = () => [...figures[shown()].querySelectorAll("path")]
  .filter((path) => path.checkVisibility());
findings.boxes = visible().map((path) => {
  const { x, y, width, height } = path.getBBox();
  return [x, y, width, height];
});
const outputs = [...block.querySelectorAll("label output")];
findings.counts = outputs.map((output) => Number(output.textContent));
block.querySelector("input[data-kind=missed]").click();
findings.left = visible().map((path) => path.dataset.kind);
"""


def marks(style, count, group, radius=10.0):
    centers_yx = np.linspace((50, 100), (150, 250), count) if count else np.empty((0, 2))
    return Marks(style, centers_yx, radius, group)


@pytest.fixture(scope="module")
def page():
    random = np.random.default_rng(0)
    images = random.integers(0, 255, (len(NAMES), 200, 300), np.uint8)
    groups = ("ours", HOSTILE)
    overlays = [
        Overlay(
            name,
            photograph(image, name, name),
            [
                marks(style, i + place, group)
                for place, group in enumerate(groups)
                for style in (HIT, MISS)
            ],
        )
        for i, (name, image) in enumerate(zip(NAMES, images))
    ]
    columns = [
        Column("micrograph"),
        Column("score", ".2f", NAMES[1]),
        Column("word"),
        Column("F1", ".3f"),
        Column("parts", bars=((HOSTILE, BLUE), ("b", ORANGE))),
    ]
    scores = (0.9, float("nan"), 0.1, 10.0, -2.0, None)
    rows = [
        [
            Place((*NAMES, "e", "f")[i], (50.0, 100.0)),
            score,
            f"x{(i * 5) % 7}",
            Estimate(i / 10, 0, 1),
            Bar((i, 2)),
        ]
        for i, score in enumerate(scores)
    ]
    figure = new_figure(4, 3)
    figure.add_subplot().plot([0, 1], [0, 1], label=HOSTILE)
    tile = Tile(
        photograph(images[0][:40, :40], "hit", NAMES[1]), Place(NAMES[2], (60.0, 200.0), HOSTILE)
    )
    sections = [
        Section(
            "Numbers", [Facts([Fact(HOSTILE, NAMES[1], HOSTILE)]), Text(HOSTILE, is_warning=True)]
        ),
        Section(HOSTILE, [Table(columns, rows, HOSTILE), Overlays(overlays)], HOSTILE),
        Section("Pictures", [Pictures([figure_picture(figure, HOSTILE)]), Command(HOSTILE)]),
        Section("Sheet", [Sheet(HOSTILE, [tile, Tile(tile.picture)], SKY)]),
    ]
    return Page(HOSTILE, sections, HOSTILE)


@pytest.fixture(scope="module")
def written(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(path, page)
    return path


@pytest.fixture(scope="module")
def found(written):
    return look(written, PICTURES + ESCAPES + SORTING + FILTERING + ZOOMING + MARKS)


def test_it_says_nothing_in_the_console(found):
    assert found["console"] == []


def test_all_pictures_are_there(found):
    assert found["images"] == len(NAMES) + 1 + 2
    assert found["unseen"] == 0


def test_names_are_text_and_never_run(found):
    assert "bad" not in found
    assert found["scripts"] == 2  # the page's own, and the one that looks
    assert found["names"] == [*NAMES, "e", "f"]
    assert found["title"] == HOSTILE


def test_it_asks_for_nothing_from_outside(written):
    text = written.read_text()
    targets = re.findall(r"\b(?:src|href)=[\"']?([^\"'\s>]{0,12})", text)
    assert targets
    assert all(target.startswith(("data:", "#")) for target in targets)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest", text)


def test_tables_sort_with_what_is_missing_last(found):
    assert found["rising"] == ["-2.00", "0.10", "0.90", "10.00", "–", "–"]
    assert found["falling"] == ["10.00", "0.90", "0.10", "-2.00", "–", "–"]
    assert found["state"] == "descending"
    assert found["words"] == ["x0", "x1", "x3", "x4", "x5", "x6"]
    assert found["estimates"] == [f"{i / 10:.3f}" for i in range(6)]


def test_tables_are_filtered_by_words_and_numbers(found):
    every = ["x0", "x1", "x3", "x4", "x5", "x6"]
    # the words of rows 0 to 5 are x0, x5, x3, x1, x6 and x4
    assert found["filters"] == [every, ["x1"], ["x3", "x6"], ["x1", "x3", "x4", "x6"], [], []]
    assert found["count"] == "0 of 6"


def test_overlays_are_zoomed_and_moved(found):
    assert found["whole"] == pytest.approx(1)
    assert found["button"] == pytest.approx(1.5, rel=0.02)
    assert found["kept"] == pytest.approx([150, 100], abs=2)  # the middle of 300 x 200 px
    assert found["key"] == pytest.approx(2.25, rel=0.02)
    assert found["dragged"] == [30, -20]
    assert found["back"] == pytest.approx(1)
    assert found["wheel"] == pytest.approx([1, 1.2], rel=0.02)  # once it is clicked
    assert (found["next"], found["previous"]) == (1, len(NAMES) - 1)


def test_a_small_picture_leads_to_its_place(found):
    place = found["place"]
    assert place["shown"] == 2
    assert place["group"] == HOSTILE
    assert place["zoom"] == pytest.approx(3, rel=0.02)
    assert place["middle"] == pytest.approx([200, 60], abs=2)


def test_marks_lie_around_their_centres(found):
    """On the third micrograph the second group has three marks of each kind."""
    (x, y, width, height), square = found["boxes"]
    assert [x, y, width, height] == pytest.approx([90.5, 40.5, 170, 120], abs=0.1)
    assert square == pytest.approx([90.5, 40.5, 170, 120], abs=0.1)
    assert found["counts"] == [3, 3]
    assert found["left"] == ["hits"]


def test_all_micrographs_are_printed(written):
    content = print_pdf(written)
    assert content.startswith(b"%PDF")
    assert content.count(b"/Subtype /Image") == len(NAMES) + 1  # equal pictures are kept once


def test_equal_pages_have_equal_bytes(page, written, tmp_path):
    write_page(tmp_path / "again.html", page)
    assert (tmp_path / "again.html").read_bytes() == written.read_bytes()


def test_a_page_that_cannot_be_written(page, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        write_page(tmp_path / "file" / "report.html", page)
