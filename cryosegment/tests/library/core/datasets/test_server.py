# SPDX-License-Identifier: GPL-3.0-or-later
import socket

import pytest

from cryosegment.core.datasets.server import Server, read_json, read_page, server_at
from cryosegment.exchange.errors import InputError, NetworkError, ParameterError


def test_the_public_addresses_are_the_default():
    server = server_at("")
    assert server == Server()
    assert server.empiar == "https://www.ebi.ac.uk/empiar/api"
    assert server.files == "https://ftp.ebi.ac.uk/empiar/world_availability"


def test_a_mirror_has_all():
    server = server_at("http://mirror.org:8000/em/")
    assert server.empiar == "http://mirror.org:8000/em/empiar/api"
    assert server.emdb == "http://mirror.org:8000/em/emdb/api"
    assert server.files == "http://mirror.org:8000/em/empiar/world_availability"
    assert server.cryoppp_lite == "http://mirror.org:8000/em/cryoppp_lite"


@pytest.mark.parametrize("url", ["file:///etc", "ftp://host", "host", "https://"])
def test_other_addresses_are_refused(url):
    with pytest.raises(ParameterError, match="expected a server"):
        server_at(url)


def test_a_dead_network_is_one_line(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with pytest.raises(NetworkError, match=r"cannot reach 127\.0\.0\.1.*refused") as caught:
            read_page(url)
    assert "\n" not in str(caught.value)


def test_a_page_in_place_of_json_is_told(archive):
    archive.add("x", b"<html>Maintenance</html>")
    with pytest.raises(InputError, match=r"expected JSON .* got '<html>Maintenance"):
        read_json(f"{archive.url}/empiar/world_availability/x")


def test_an_answer_that_breaks_off_is_told(archive):
    archive.add("x", b"1234567890", breaks=[4])
    with pytest.raises(NetworkError, match="cannot reach"):
        read_page(f"{archive.url}/empiar/world_availability/x")


def test_the_program_says_who_it_is(archive):
    archive.add("x", b"1")
    assert read_json(f"{archive.url}/empiar/world_availability/x") == 1
    assert archive.seen[0][2]["User-Agent"].startswith("cryosegment/")
