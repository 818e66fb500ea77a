# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a folder, from the web page by which Apache and nginx list it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

from cryosegment.core.datasets.server import read_page
from cryosegment.exchange.errors import InputError

# After the time of day stands the size: 1234, 1.2G, or - for a folder.
SIZE = re.compile(r"\d\d:\d\d(?::\d\d)?\s+(\d+(?:\.\d+)?)\s*([KMGTP]?)")
FACTORS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40, "P": 2**50}


@dataclass(frozen=True)
class Item:
    """A file or folder of a listing.

    Attributes
    ----------
    name
        Without slashes.
    is_folder
        Whether it is a folder.
    size
        Bytes, about: listings round. None where it is not told.
    """

    name: str
    is_folder: bool
    size: int | None


def read_listing(url: str) -> list[Item]:
    """Files and folders that a server lists at a folder's address, by name.

    Raises
    ------
    InputError, NetworkError
        If the folder does not exist, the server does not list it, or cannot be reached.
    """
    page = _Page()
    page.feed(read_page(url.rstrip("/") + "/"))
    page.close()
    if not page.is_listing:
        raise InputError(
            f"expected a list of files at {url}, got another page: the server is another one or "
            "in maintenance"
        )
    items = {}
    for reference, text in page.links:
        item = _item(reference, text)
        if item is not None:
            items[item.name] = item
    return [items[name] for name in sorted(items)]


class _Page(HTMLParser):
    """The links of a page, each with the text that follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.is_listing = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note a link."""
        reference = dict(attributes).get("href")
        if tag == "a" and reference:
            self.links.append((reference, ""))

    def handle_data(self, data: str) -> None:
        """Note text, and whether it calls the page a listing."""
        self.is_listing |= data.strip().lower().startswith("index of")
        if self.links:
            reference, text = self.links[-1]
            self.links[-1] = (reference, f"{text} {data}")


def _item(reference: str, text: str) -> Item | None:
    """What a link stands for; None for parents, orders of sorting and other places."""
    parts = urlsplit(reference)
    path = unquote(parts.path).removeprefix("./")
    name = path.removesuffix("/")
    is_child = not (parts.scheme or parts.query or "/" in name or "\\" in name)
    if not is_child or name in ("", ".", ".."):
        return None
    size = SIZE.search(text)
    about = int(float(size[1]) * FACTORS[size[2]]) if size else None
    return Item(name, path.endswith("/"), about)
