"""A model hub on 127.0.0.1: the requests that the hub library makes, answered as the hub does.

It serves folders as repositories of one commit each, large files by redirect to another host, as
the hub does to its content network. It can be gated, cut connections, be busy, and change what
it sends. What was asked is recorded.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin", ".model", ".spm")  # what a repository keeps apart, by SHA-256
TOKEN = "hf_sesame"


@dataclass
class Repository:
    """A published folder. ``gated``: files only for who shows the token; names are public."""

    folder: Path
    sha: str = "a" * 40
    licence: str | list[str] = "apache-2.0"
    gated: bool = False
    names: tuple[str, ...] = ("main", "v1")

    def files(self) -> Iterator[tuple[str, bytes]]:
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield path.relative_to(self.folder).as_posix(), path.read_bytes()


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class Hub:
    """The server's state, for tests to turn.

    ``cut``: by file name, after how many bytes the connection breaks, once for each entry.
    ``hold``: by file name, after how many bytes it stops sending until ``release`` is set.
    ``busy``: statuses to answer with before anything else. ``other``: content sent instead.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    cut: dict[str, list[int]] = field(default_factory=dict)
    hold: dict[str, int] = field(default_factory=dict)
    holding: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    busy: list[int] = field(default_factory=list)
    other: dict[str, bytes] = field(default_factory=dict)

    def sent(self, name: str) -> list[Asked]:
        """Return the requests for a file's content."""
        return [ask for ask in self.asked if ask.method == "GET" and ask.path.endswith(name)]


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve an empty hub until the end of the block."""
    hub = Hub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        hub.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing; the tests read ``asked``."""

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if path == "/api/agent-harnesses":  # the hub library's own curiosity
            return self.reply(404)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
        self.hub.asked.append(Asked(self.command, path, self.headers.get("Range"), token))
        if self.hub.busy:
            return self.reply(self.hub.busy.pop(0))
        api = path.startswith("/api/models/")
        parts = path.removeprefix("/api/models").strip("/").split("/")
        repository = self.hub.repositories.get("/".join(parts[:2]))
        if repository is None:
            code = {"X-Error-Code": "RepoNotFound"}
            return self.reply(404 if token else 401, headers=code)
        verb, *rest = parts[2:] or ["revision", "main"]
        revision = rest[0]
        if revision not in (repository.sha, *repository.names):
            return self.reply(404, headers={"X-Error-Code": "RevisionNotFound"})
        if api:
            listing = {"revision": self.information, "tree": self.tree}[verb]
            return self.reply(200, json.dumps(listing(parts, repository)).encode())
        if verb == "resolve" and repository.gated and token != TOKEN:
            code = {"X-Error-Code": "GatedRepo"}
            return self.reply(403 if token else 401, headers=code)
        return self.file(parts, repository, verb, "/".join(rest[1:]))

    def information(self, parts: list[str], repository: Repository) -> dict:
        return {
            "id": "/".join(parts[:2]),
            "sha": repository.sha,
            "gated": "manual" if repository.gated else False,
            "cardData": {"license": repository.licence},
            "siblings": [
                {
                    "rfilename": name,
                    "size": len(content),
                    "blobId": _git(content),
                    **({"lfs": _large(content)} if name.endswith(LARGE) else {}),
                }
                for name, content in repository.files()
            ],
        }

    def tree(self, parts: list[str], repository: Repository) -> list[dict]:
        return [
            {
                "type": "file",
                "path": name,
                "size": len(content),
                "oid": _git(content),
                **(
                    {"lfs": {"oid": _sha(content)} | _large(content)}
                    if name.endswith(LARGE)
                    else {}
                ),
            }
            for name, content in repository.files()
        ]

    def file(self, parts: list[str], repository: Repository, verb: str, name: str) -> None:
        content = dict(repository.files()).get(name)
        if content is None:
            return self.reply(404, headers={"X-Error-Code": "EntryNotFound"})
        large = name.endswith(LARGE)
        headers = {"X-Repo-Commit": repository.sha, "ETag": f'"{_git(content)}"'}
        if verb == "resolve" and large:
            headers |= {
                "X-Linked-Etag": f'"{_sha(content)}"',
                "X-Linked-Size": str(len(content)),
                "Location": self.elsewhere([*parts[:2], "content", repository.sha, name]),
            }
            return self.reply(302, headers=headers)
        content = self.hub.other.get(name, content)
        headers["Accept-Ranges"] = "bytes"
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return self.reply(206 if start else 200, content[start:], headers, name)

    def elsewhere(self, parts: list[str]) -> str:
        """Return an address on another host, as the content network has."""
        return self.hub.url.replace("127.0.0.1", "localhost") + "/" + "/".join(parts)

    def reply(
        self,
        status: int,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
        name: str = "",
    ) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            if self.hub.cut.get(name):
                self.wfile.write(content[: self.hub.cut[name].pop(0)])
                self.close_connection = True
            elif name in self.hub.hold and not self.hub.release.is_set():
                self.wfile.write(content[: self.hub.hold[name]])
                self.wfile.flush()
                self.hub.holding.set()
                self.hub.release.wait(60)
                self.wfile.write(content[self.hub.hold[name] :])
            else:
                self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client was killed, as the test wanted


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def _large(content: bytes) -> dict:
    return {"sha256": _sha(content), "size": len(content), "pointerSize": 134}
