"""A process that the service starts: how it begins, whom it belongs to, and how it is talked to.

It is spawned, never forked: gRPC and torch do not survive a fork. Messages go over a socket that
the parent's event loop itself reads and writes, so that no thread stands between them. They are
bytes, made by ``dumps`` mostly; what is in them is the business of those who talk.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler
from typing import Any

_SPAWN = multiprocessing.get_context("spawn")
_SIZE = struct.Struct("!Q")  # bytes of the message that comes next
_BUFFER = 1 << 20  # bytes

# What multiprocessing sends through its own pipes.
dumps = ForkingPickler.dumps
loads: Callable[[bytes], Any] = ForkingPickler.loads  # pyright: ignore[reportAttributeAccessIssue]


class Child:
    """The parent's side. ``target(theirs, *arguments)`` runs in the process, on a ``Line``."""

    def __init__(
        self, target: Callable[..., None], *arguments: object, name: str | None = None
    ) -> None:
        self.ended = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._closed = False
        self._ours, theirs = socket.socketpair()
        with theirs:  # it has its own; while we hold one too, its death is no end of file
            # A daemon: a parent that ends without a word ends it instead of waiting for it.
            self._process = _SPAWN.Process(
                target=_begin, args=(theirs, target, arguments), name=name, daemon=True
            )
            self._process.start()
        asyncio.get_running_loop().add_reader(self._process.sentinel, self._end)

    async def connect(self) -> None:
        """Make it ready to be talked to. Raises OSError if it was closed meanwhile."""
        self._reader, self._writer = await asyncio.open_connection(sock=self._ours, limit=_BUFFER)
        if self._closed:
            self._writer.close()
            raise ConnectionAbortedError

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid

    def send(self, message: bytes | memoryview) -> None:
        """Send a message, as soon as the child takes it."""
        assert self._writer is not None, "not connected"
        self._writer.writelines((_SIZE.pack(len(message)), message))

    async def receive(self) -> bytes:
        """Wait for the next message. Raises EOFError or OSError when there will be none."""
        (size,) = _SIZE.unpack(await self._reader.readexactly(_SIZE.size))
        return await self._reader.readexactly(size)

    def terminate(self) -> None:
        """Ask the process to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the process, whatever it is at, and talk to it no more."""
        self._process.kill()
        self.close()

    def close(self) -> None:
        """Talk to it no more."""
        self._closed = True
        if self._writer is not None:  # or else `connect` sees it
            self._writer.close()

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        self.ended.set()


# From here on: the child.


class Line:
    """Messages to and from the parent. One thread reads, any may write."""

    def __init__(self, theirs: socket.socket) -> None:
        self._stream = theirs.makefile("rwb")
        self._lock = threading.Lock()

    def read(self) -> bytes | None:
        """Wait for the next message; None when there will be none."""
        head = self._stream.read(_SIZE.size)
        return self._stream.read(*_SIZE.unpack(head)) if head else None

    def write(self, message: bytes | memoryview) -> None:
        """Send a message."""
        with self._lock:
            self._stream.write(_SIZE.pack(len(message)))
            self._stream.write(message)
            self._stream.flush()


def _begin(
    theirs: socket.socket, target: Callable[..., None], arguments: tuple[object, ...]
) -> None:
    """Leave Ctrl-C to the parent, and end with it, however it ends and whatever runs here then.

    The end of the socket is not enough: whoever computes may not come to read it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="follow-parent", daemon=True).start()
    with theirs, suppress(ConnectionError):  # the parent has gone, or has had enough
        target(Line(theirs), *arguments)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
