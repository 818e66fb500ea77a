# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on this machine that speaks as EMPIAR, EMDB and CryoPPP do, and fails as told.

Its pages follow Apache's listings on ftp.ebi.ac.uk, its entries the public fields of EMPIAR's
API, its tables the CSV of EMDB's search.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit

ENTRY_PATH = "/empiar/api/entry/"
FILES_PATH = "/empiar/world_availability/"
SEARCH_PATH = "/emdb/api/search/"


@dataclass
class Served:
    """A file and how it is served.

    `breaks` are the numbers of bytes after which the connections to come are cut; `hangs` is the
    number of requests to come that get no answer.
    """

    content: bytes
    headers: dict = field(default_factory=dict)
    has_ranges: bool = True
    is_chunked: bool = False
    breaks: list = field(default_factory=list)
    hangs: int = 0
    status: int = 200


class ArchiveServer(ThreadingHTTPServer):
    """The archive: `files` by path, `entries` by number, `maps` as rows of EMDB."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = {}
        self.entries = {}
        self.maps = []
        self.seen = []
        self.stop = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, path, content, **settings):
        """Serve a file of an entry, such as `10017/data/a.mrc`; the record of how."""
        self.files[FILES_PATH + path] = served = Served(content, **settings)
        return served

    def add_entry(self, number, emdb=(), **images):
        """Serve an entry with one set of images."""
        image_set = {
            "name": "Micrographs",
            "directory": "/data",
            "category": "micrographs - single frame",
            "data_format": "MRC",
            "num_images_or_tilt_series": 84,
            "pixel_width": 1.77,
            "image_width": "variable",
            "picked_particles_file_pattern": None,
            "picked_particles_directory": None,
            **images,
        }
        self.entries[number] = {
            "title": f"Micrographs of entry {number}",
            "status": "REL",
            "dataset_size": "4.2 GB",
            "cross_references": list(emdb),
            "imagesets": [image_set],
        }

    def handle_error(self, request, client_address):
        """A client that leaves is no error."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers of the archive."""

    server: ArchiveServer

    def log_message(self, *_):
        """Keep still."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        self.server.seen.append((self.command, path, dict(self.headers)))
        if path in self.server.files:
            self._send_file(self.server.files[path])
        elif path.startswith(ENTRY_PATH):
            number = path[len(ENTRY_PATH) :].strip("/")
            self._send_entries([number])
        elif path.startswith(SEARCH_PATH):
            self._send_maps(path[len(SEARCH_PATH) :])
        elif path.endswith("/") and any(name.startswith(path) for name in self.server.files):
            self._send(200, self._listing(path).encode(), {"Content-Type": "text/html"})
        else:
            self._send(404, b"<html>Not Found</html>", {"Content-Type": "text/html"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.seen.append(("POST", self.path, body))
        self._send_entries(body.split(","))

    def _send_entries(self, numbers):
        entries = self.server.entries
        found = {f"EMPIAR-{number}": entries[number] for number in numbers if number in entries}
        status = 200 if found or self.command == "POST" else 404
        self._send(status, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def _send_maps(self, query):
        options = parse_qs(urlsplit(self.path).query)
        rows, page = int(options["rows"][0]), int(options["page"][0])
        limit = re.search(r"resolution:\[0 TO ([\d.]+)\]", query)
        word = re.match(r"\((\w+)\)", query)
        fields = options["fl"][0].split(",")
        maps = [
            one
            for one in self.server.maps
            if (limit is None or float(one["resolution"]) <= float(limit[1]))
            and (word is None or word[1] in one["title"])
        ]
        lines = [",".join(fields)]
        lines += [
            ",".join(f'"{one[name]}"' for name in fields)
            for one in maps[(page - 1) * rows : page * rows]
        ]
        self._send(200, "\n".join(lines).encode(), {"Content-Type": "text/csv"})

    def _listing(self, folder):
        names = {}
        for path, served in self.server.files.items():
            if path.startswith(folder):
                name, slash, _ = path[len(folder) :].partition("/")
                names[name + slash] = "  - " if slash else f"{len(served.content) / 1024:.1f}K"
        rows = "".join(
            f'<tr><td valign="top"><img src="/icons/unknown.gif" alt="[   ]"></td><td>'
            f'<a href="{quote(name)}">{name}</a></td><td align="right">2014-11-21 14:05  </td>'
            f'<td align="right">{size}</td><td>&nbsp;</td></tr>\n'
            for name, size in sorted(names.items())
        )
        return (
            f"<html><head><title>Index of {folder}</title></head><body><h1>Index of {folder}</h1>"
            '<table><tr><th><a href="?C=N;O=D">Name</a></th><th><a href="?C=S;O=A">Size</a></th>'
            f'</tr><tr><td><a href="{folder.rstrip("/").rpartition("/")[0]}/">Parent Directory</a>'
            f'</td><td align="right">  - </td></tr>{rows}</table>'
            '<a href="https://www.ebi.ac.uk/about">About</a></body></html>'
        )

    def _send_file(self, served):
        if served.hangs:
            served.hangs -= 1
            self.server.stop.wait(5)
            return
        start, size = self._start(served), len(served.content)
        headers = {"Content-Type": "application/octet-stream", **served.headers}
        if start is None:
            body, status = served.content, served.status
        elif start >= size:
            self._send(416, b"", {"Content-Range": f"bytes */{size}"})
            return
        else:
            body, status = served.content[start:], 206
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        cut = served.breaks.pop(0) if served.breaks and self.command == "GET" else None
        self._send(status, body, headers, cut, served.is_chunked)

    def _start(self, served):
        """First byte of the range that is asked for, None for the whole file."""
        match = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        wanted = self.headers.get("If-Range")
        current = (served.headers.get("ETag"), served.headers.get("Last-Modified"))
        is_same = wanted is None or wanted in current
        return int(match[1]) if match and served.has_ranges and is_same else None

    def _send(self, status, body, headers, cut=None, is_chunked=False):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if is_chunked:
            self.protocol_version = "HTTP/1.1"
            self.send_header("Transfer-Encoding", "chunked")
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body if cut is None else body[:cut])
        self.close_connection = True
