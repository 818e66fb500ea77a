# SPDX-License-Identifier: GPL-3.0-or-later
"""Where public data sets are, and the one way to ask a server."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import cryosegment
from cryosegment.exchange.errors import InputError, NetworkError, ParameterError

# Seconds without a byte after which a request is given up; healthy ones take one or two. EBI's
# file server leaves a few requests in a hundred without an answer: asking again helps.
TIMEOUT = 20.0
# Requests in a row that bring nothing, after which the network counts as dead.
ATTEMPTS = 3
# Statuses of a server that is there and would rather be asked later.
BUSY = (408, 425, 429)
RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True)
class Server:
    """Addresses, without a slash at the end.

    Attributes
    ----------
    empiar
        EMPIAR's REST API (https://www.ebi.ac.uk/empiar/api/documentation/).
    emdb
        EMDB's REST API (https://www.ebi.ac.uk/emdb/api/), which knows the resolutions.
    files
        EMPIAR's files, listed as web pages.
    cryoppp, cryoppp_lite
        CryoPPP's archives (https://github.com/BioinfoMachineLearning/cryoppp).
    """

    empiar: str = "https://www.ebi.ac.uk/empiar/api"
    emdb: str = "https://www.ebi.ac.uk/emdb/api"
    files: str = "https://ftp.ebi.ac.uk/empiar/world_availability"
    cryoppp: str = "https://calla.rnet.missouri.edu/cryoppp"
    cryoppp_lite: str = "https://calla.rnet.missouri.edu/cryoppp_lite"


def server_at(url: str) -> Server:
    """All addresses on one server, such as a mirror; the public ones for an empty address.

    Raises
    ------
    ParameterError
        If the address is not one of http or https.
    """
    if not url:
        return Server()
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise ParameterError(f"expected a server such as https://mirror.org, got {url!r}")
    root = url.rstrip("/")
    return Server(
        f"{root}/empiar/api",
        f"{root}/emdb/api",
        f"{root}/empiar/world_availability",
        f"{root}/cryoppp",
        f"{root}/cryoppp_lite",
    )


def open_url(
    url: str,
    headers: Mapping[str, str] | None = None,
    data: bytes | None = None,
    method: str | None = None,
) -> http.client.HTTPResponse:
    """Answer of a server, to be closed by the caller; status 416 counts as an answer.

    A server that cannot be reached or is busy is asked up to three times.

    Raises
    ------
    InputError
        If the server refuses: there is no such thing.
    NetworkError
        If it cannot be reached or is busy.
    """
    own = {"User-Agent": f"cryosegment/{cryosegment.__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, data, {**own, **(headers or {})}, method=method)
    attempt = 1
    while True:
        try:
            return _open(request)
        except NetworkError:
            if attempt == ATTEMPTS:
                raise
        attempt += 1


class _RangeErrorsAreAnswers(urllib.request.HTTPErrorProcessor):
    """Lets status 416 through, whose headers tell how long the file is."""

    def http_response(self, request: Any, response: Any) -> Any:
        """Raise on every other error."""
        if response.status == RANGE_NOT_SATISFIABLE:
            return response
        return super().http_response(request, response)

    https_response = http_response


def _open(request: urllib.request.Request) -> http.client.HTTPResponse:
    url = request.full_url
    try:
        opener = urllib.request.build_opener(_RangeErrorsAreAnswers)
        response: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(url, error.code) from None
    except urllib.error.URLError as error:
        raise _unreachable(url, error.reason) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unreachable(url, error) from error
    return response


def read_bytes(url: str, accept: str = "*/*", data: bytes | None = None) -> bytes:
    """All that a server answers.

    Raises
    ------
    InputError, NetworkError
        As `open_url` does, or if the answer breaks off.
    """
    headers = {"Accept": accept}
    if data is not None:
        headers["Content-Type"] = "application/json"
    with open_url(url, headers, data) as response:
        try:
            return response.read()
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(url, error) from error


def read_page(url: str, accept: str = "*/*") -> str:
    """An answer as text."""
    return read_bytes(url, accept).decode("utf-8", errors="replace")


def read_json(url: str, data: bytes | None = None) -> Any:
    """An answer as JSON.

    Raises
    ------
    InputError, NetworkError
        As `open_url` does, or if the answer is no JSON.
    """
    answer = read_bytes(url, "application/json", data)
    try:
        return json.loads(answer)
    except ValueError:
        start = answer[:40].decode("utf-8", errors="replace").strip()
        raise InputError(
            f"expected JSON from {url}, got {start!r}: the server is another one or in maintenance"
        ) from None


def _refusal(url: str, status: int) -> InputError | NetworkError:
    if status >= 500 or status in BUSY:
        return NetworkError(f"{_host(url)} answered {status} for {url}: try again later")
    if status in (404, 410):
        return InputError(f"{url} does not exist: check the entry and the file's name")
    return InputError(f"{_host(url)} refused {url} with status {status}: is it public?")


def _unreachable(url: str, reason: object) -> NetworkError:
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return NetworkError(
        f"cannot reach {_host(url)}: {text}; check the network and the proxy, and run again"
    )


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
