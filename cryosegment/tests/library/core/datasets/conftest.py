# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from cryosegment.core.datasets.server import server_at
from cryosegment.tests.archive_server import ArchiveServer


@pytest.fixture
def archive(monkeypatch):
    """The archive on this machine; proxies of the environment are not asked."""
    monkeypatch.setenv("no_proxy", "*")
    with ArchiveServer() as running:
        yield running


@pytest.fixture
def server(archive):
    """Its addresses."""
    return server_at(archive.url)
