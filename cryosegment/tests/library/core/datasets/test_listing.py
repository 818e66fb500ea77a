# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.datasets.listing import Item, read_listing
from cryosegment.exchange.errors import InputError

# As nginx writes it.
NGINX = b"""<html><head><title>Index of /data/</title></head><body><h1>Index of /data/</h1><hr>
<pre><a href="../">../</a>
<a href="deep/">deep/</a>                                21-Nov-2014 14:05                   -
<a href="./a%20b.mrc">a b.mrc</a>                        21-Nov-2014 14:05            67109888
</pre><hr></body></html>"""
# As Apache does without a table, with names that lead elsewhere.
APACHE = b"""<title>Index of /data</title><pre><a href="?C=N;O=D">Name</a> <hr>
<a href="/empiar/">Parent Directory</a>                -
<a href="a.star">a.star</a>         2014-11-21 14:05  1.2M
<a href="..%2f..%2fetc%2fpasswd">x</a>  2014-11-21 14:05  1.2K
<a href="https://elsewhere.org/b.star">b</a>  2014-11-21 14:05  1.2K
<a href="%2e%2e/">up</a> <a href="more.php?page=2">more</a> <a href="mailto:a@b.org">ask</a>
 <a href="c.star">c.star</a>
</pre>"""


def listing(archive, page):
    archive.add("10017/", page, headers={"Content-Type": "text/html"})
    return read_listing(f"{archive.url}/empiar/world_availability/10017")


def test_nginx_pages_are_read(archive):
    found = listing(archive, NGINX)
    assert found == [Item("a b.mrc", False, 67_109_888), Item("deep", True, None)]


def test_apache_pages_are_read_and_other_places_left_out(archive):
    found = listing(archive, APACHE)
    assert found == [Item("a.star", False, 1_258_291), Item("c.star", False, None)]


def test_tables_are_read(archive):
    archive.add("10017/data/a b.mrc", bytes(2048))
    archive.add("10017/data/deep/c.mrc", b"")
    found = read_listing(f"{archive.url}/empiar/world_availability/10017/data/")
    assert found == [Item("a b.mrc", False, 2048), Item("deep", True, None)]


def test_another_page_is_no_listing(archive):
    with pytest.raises(InputError, match="expected a list of files"):
        listing(archive, b'<html><h1>Maintenance</h1><a href="status">status</a></html>')


def test_a_folder_that_is_not_there_is_told(archive):
    with pytest.raises(InputError, match="does not exist"):
        read_listing(f"{archive.url}/empiar/world_availability/1/")
