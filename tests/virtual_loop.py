"""An event loop whose time passes only when everybody sleeps, and then at once.

A minute of timeouts takes a millisecond, always in the same order. When nobody
could ever wake again, it raises instead of hanging.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _Leap(selectors.DefaultSelector):
    now = 1_000.0

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everybody waits, and nothing will happen")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.leap = _Leap()
        super().__init__(self.leap)

    def time(self) -> float:
        return self.leap.now


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run to the end in virtual time; an error that nobody handled is an error here."""
    unhandled: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        result = runner.run(main)
    assert not unhandled, unhandled
    return result


def now() -> float:
    return asyncio.get_running_loop().time()
