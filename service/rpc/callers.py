"""Who calls, and how much of the server they may take.

A caller is the owner of a token or, where nobody has to show one, a client
certificate's name or a network address. Each has an allowance: so many calls
and articles in work at once, so many requests a second, no higher than a
priority, these rpcs. A unary request over it is refused; a stream waits, and
its sender with it.

Tokens are known by their SHA-256 alone and compared in constant time. The file
that names them is looked at every second. What it no longer allows ends at once,
streams included. Nothing here reads a message, and no token is ever logged.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import tomllib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

from service.errors import Overloaded, PermissionRefused, SvodkaError, Unauthenticated
from service.rpc.following import stamp
from service.schema import Priority

LOOK_SECONDS = 1.0

# Addresses that are remembered: past this, those with nothing in work are forgotten.
_MOST_IDLE = 1024

_HEX = frozenset("0123456789abcdef")
_logger = logging.getLogger(__name__)


class TokensInvalid(SvodkaError):
    """The tokens file cannot be used; the message says where and why."""

    reason = "TOKENS_INVALID"


@dataclass(frozen=True)
class Allowance:
    """What one caller may take.

    ``calls`` bounds both its open calls and its articles in work. ``rate`` is in
    requests a second, stream items included; a second's worth may come at once.
    ``rpcs`` is None for all of them. With ``private`` its finished work is not
    shared with others, nor theirs with it.
    """

    calls: int = 256
    rate: float = math.inf
    priority: Priority = Priority.INTERACTIVE
    rpcs: frozenset[str] | None = None
    private: bool = False


class Caller:
    """One caller and what it has in work. Belongs to one event loop."""

    def __init__(self, name: str, allowance: Allowance) -> None:
        self.name = name
        self.allowance = allowance
        self.revoked = False
        self._calls: set[asyncio.Task[Any]] = set()
        self._articles = asyncio.Semaphore(allowance.calls)
        self._next = 0.0  # when the next request is due, were they evenly spread

    @property
    def idle(self) -> bool:
        """Nothing is in work, and nothing is owed."""
        return not self._calls and self._next <= monotonic()

    def permit(self, rpc: str) -> None:
        """Raise PermissionRefused for an rpc that this caller may not call."""
        if self.allowance.rpcs is not None and rpc not in self.allowance.rpcs:
            raise PermissionRefused(f"{self.name} may not call {rpc}.")

    def cap(self, priority: Priority) -> Priority:
        """Return the priority, lowered to the highest one allowed."""
        return Priority.BULK if self.allowance.priority is Priority.BULK else priority

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Count one call while it is open.

        Raises Overloaded where it is one too many, and Unauthenticated when the
        caller's token is revoked meanwhile.
        """
        if len(self._calls) >= self.allowance.calls:
            raise Overloaded(
                f"{self.name} has {self.allowance.calls} calls open, the most it may have.",
                retry_after=1.0,
            )
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self.revoked:
                raise
            task.uncancel()
            raise Unauthenticated("The token is no longer valid.") from None
        finally:
            self._calls.discard(task)

    @asynccontextmanager
    async def article(self, *, wait: bool) -> AsyncIterator[None]:
        """Count one request while it is in work: refused over the allowance, or made to wait."""
        if not wait and self._articles.locked():
            raise Overloaded(
                f"{self.name} has {self.allowance.calls} articles in work, the most it may have.",
                retry_after=1.0,
            )
        async with self._articles:
            ahead = self._claim(refuse=not wait)
            if ahead > 0:
                await asyncio.sleep(ahead)
            yield

    def _claim(self, *, refuse: bool) -> float:
        """Book the next place in the rate; return the seconds until it is due.

        The generic cell rate algorithm (ITU-T I.371) with a burst of one second.
        """
        now = monotonic()
        ahead = max(self._next, now) - now - 1.0
        if refuse and ahead > 0:
            raise Overloaded(
                f"{self.name} sends more than {self.allowance.rate:g} requests a second.",
                retry_after=ahead,
            )
        self._next = max(self._next, now) + 1 / self.allowance.rate
        return ahead

    def revoke(self) -> None:
        """End everything it has in work."""
        self.revoked = True
        for task in self._calls:
            task.cancel()


CALLER: ContextVar[Caller] = ContextVar("caller")
"""Who made the call that this task works for. The boundary sets it."""


class Callers:
    """Everybody who calls. ``default`` is the allowance of those without a token."""

    def __init__(self, default: Allowance = Allowance(), tokens: Path | None = None) -> None:
        """Read the tokens file, if there is one. Raises TokensInvalid."""
        self._default = default
        self._path = tokens
        self._strangers: dict[str, Caller] = {}
        self._owners: dict[str, Caller] = {}  # by the token's hash, in hex
        self._stamp: object = None
        if tokens is not None:
            self._stamp = stamp(tokens)
            self._take_in(read_tokens(tokens, default))

    def identify(self, metadata: Iterable[tuple[str, Any]], peer: str) -> Caller:
        """Return who calls. Raises Unauthenticated for no token, or an unknown one.

        ``peer`` names those who need none: a certificate's name or an address.
        """
        if self._path is None:
            return self._stranger(peer)
        given = next((value for key, value in metadata if key == "authorization"), "")
        scheme, _, token = str(given).partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send a token: authorization: Bearer …")
        hashed = sha256(token.strip().encode()).hexdigest()
        found = None
        for known, caller in self._owners.items():  # all of them, so that time tells nothing
            if hmac.compare_digest(known, hashed):
                found = caller
        if found is None:
            raise Unauthenticated("The token is not known.")
        return found

    async def watch(self) -> None:
        """Take in each change of the tokens file, for ever."""
        while self._path is not None:
            await asyncio.sleep(LOOK_SECONDS)
            self.refresh()

    def refresh(self) -> None:
        """Read the tokens file again if it has changed. A broken one changes nothing."""
        if self._path is None or (now := stamp(self._path)) == self._stamp:
            return
        self._stamp = now
        try:
            self._take_in(read_tokens(self._path, self._default))
        except TokensInvalid as error:
            _logger.error("the tokens stay as they were: %s", error)
        else:
            _logger.info("the tokens were read again: %d are valid", len(self._owners))

    def _take_in(self, owners: Mapping[str, tuple[str, Allowance]]) -> None:
        before, self._owners = self._owners, {}
        for hashed, (name, allowance) in owners.items():
            known = before.pop(hashed, None)
            unchanged = known and (known.name, known.allowance) == (name, allowance)
            # Where the allowance has changed, what is in work goes on under the old one.
            self._owners[hashed] = known if known and unchanged else Caller(name, allowance)
        for gone in before.values():
            gone.revoke()

    def _stranger(self, peer: str) -> Caller:
        if len(self._strangers) > _MOST_IDLE:
            self._strangers = {n: c for n, c in self._strangers.items() if not c.idle}
        if peer not in self._strangers:
            self._strangers[peer] = Caller(peer, self._default)
        return self._strangers[peer]


def read_tokens(path: Path, default: Allowance) -> dict[str, tuple[str, Allowance]]:
    """Return each token's hash with its owner's name and allowance.

    The file is TOML, a table for each owner: ``sha256`` (hex, of the token), and
    optionally the fields of its allowance. Raises TokensInvalid.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TokensInvalid(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TokensInvalid(f"{path} is not TOML: {error}") from error
    owners: dict[str, tuple[str, Allowance]] = {}
    for name, table in content.items():
        if not isinstance(table, dict):
            raise TokensInvalid(f"{path}: {name} stands outside of a table; write [{name}]")
        hashed = str(table.pop("sha256", "")).lower()
        if len(hashed) != 64 or not _HEX.issuperset(hashed):
            raise TokensInvalid(f"{path}: [{name}] sha256 must be 64 hexadecimal digits")
        if hashed in owners:
            raise TokensInvalid(f"{path}: [{name}] and [{owners[hashed][0]}] share a token")
        allowance = default
        for key, value in table.items():
            if key not in _FIELDS:
                known = ", ".join(("sha256", *_FIELDS))
                raise TokensInvalid(f"{path}: [{name}] {key} is unknown; known are {known}")
            wants, read = _FIELDS[key]
            try:
                allowance = replace(allowance, **{key: read(value)})
            except (TypeError, ValueError, KeyError):
                raise TokensInvalid(f"{path}: [{name}] {key} must be {wants}") from None
        owners[hashed] = (name, allowance)
    return owners


def _positive(value: Any) -> Any:
    if isinstance(value, bool) or not value > 0:
        raise ValueError
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError
    return _positive(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _names(value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not set(value) <= RPCS:
        raise ValueError
    return frozenset(value)


RPCS = frozenset({"Digest", "DigestStream", "Summarize", "Translate", "GetServerInfo"})

_FIELDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "calls": ("a whole number above 0", _count),
    "rate": ("a number above 0, of requests a second", lambda value: float(_positive(value))),
    "priority": ('"INTERACTIVE" or "BULK"', lambda value: _PRIORITIES[value]),
    "private": ("true or false", _flag),
    "rpcs": (f"a list of {', '.join(sorted(RPCS))}", _names),
}
_PRIORITIES = {"INTERACTIVE": Priority.INTERACTIVE, "BULK": Priority.BULK}
