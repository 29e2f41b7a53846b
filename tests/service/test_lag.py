"""The watchdog sees what blocks the loop, in virtual time."""

import asyncio
import logging

import pytest

import virtual_loop
from service.lag import EVERY, WINDOW, Lag, Watchdog


def block(seconds: float) -> None:
    """Keep the loop from everything else for so long."""
    asyncio.get_running_loop().leap.now += seconds  # pyright: ignore[reportAttributeAccessIssue]


def test_an_idle_loop_is_never_late_and_a_blocked_one_by_as_much():
    async def main() -> None:
        watchdog = Watchdog()
        assert watchdog.lag == Lag()
        watching = asyncio.create_task(watchdog.run())
        await asyncio.sleep(20)
        assert watchdog.lag.max < 1e-9
        block(0.5)
        await asyncio.sleep(20)
        lag = watchdog.lag
        assert 0.47 < lag.max < 0.51  # the watchdog slept for a part of it
        assert lag.p99 < 1e-9
        for _ in range(100):
            await asyncio.sleep(0.2)
            block(0.1)
        await asyncio.sleep(EVERY)
        assert 0.07 < watchdog.lag.p99 < 0.11
        await asyncio.sleep(2 * WINDOW)
        assert watchdog.lag.max < 1e-9, "what is long past is forgotten"
        watching.cancel()

    virtual_loop.run(main())


def test_the_figures_go_to_the_debug_log(caplog: pytest.LogCaptureFixture):
    async def main() -> None:
        watching = asyncio.create_task(Watchdog().run())
        await asyncio.sleep(1)
        block(0.25)
        await asyncio.sleep(WINDOW)
        watching.cancel()

    with caplog.at_level(logging.DEBUG, "service.lag"):
        virtual_loop.run(main())
    assert "ms (at most)" in caplog.text
