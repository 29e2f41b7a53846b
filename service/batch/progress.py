"""What a person sees of a job while it runs, and at its end.

A bar where there is a terminal, a plain line now and then where there is none.
It counts; it decides nothing.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TextIO

from service.schema import Digest

_BAR_SECONDS = 0.5
_LINE_SECONDS = 10.0


@dataclass
class Tally:
    """The counts of one run. ``share`` is how much of the inputs is behind us, in [0, 1]."""

    done: int = 0
    failed: int = 0
    findings: int = 0
    tokens: int = 0
    copies: int = 0  # among ``done`` and ``failed``,
    reused: int = 0  # and of them those that took their first's answer
    share: float = 0.0
    began: float = field(default_factory=time.monotonic)
    last: float = 0.0  # when the last one was, by ``time.perf_counter``
    _start: tuple[float, float] | None = None  # the time and the share when work began

    def count(self, outcome: Digest | object, share: float) -> None:
        """One more record is settled, by its digest or otherwise."""
        self.pass_by(share)
        if not isinstance(outcome, Digest):
            self.failed += 1
            return
        self.done += 1
        self.findings += len(outcome.findings)
        self.tokens += outcome.usage.input_tokens + outcome.usage.output_tokens

    def pass_by(self, share: float) -> None:
        """One more record is behind us."""
        self.last = time.perf_counter()
        self._start = self._start or (time.monotonic(), share)
        self.share = max(self.share, share)

    def add(self, *, done: int, failed: int, findings: int, tokens: int) -> None:
        """A whole part is settled."""
        self.done += done
        self.failed += failed
        self.findings += findings
        self.tokens += tokens

    @property
    def settled(self) -> int:
        """Records that ended in one of the two files."""
        return self.done + self.failed

    @property
    def seconds(self) -> float:
        """Since it began."""
        return max(1e-9, time.monotonic() - self.began)

    def remaining(self) -> float | None:
        """Seconds, by the share of the inputs that was read; None while that says nothing."""
        if self._start is None:
            return None
        began, first = self._start
        behind = self.share - first
        return (time.monotonic() - began) * (1 - self.share) / behind if behind > 0 else None

    def line(self) -> str:
        """Everything in one line."""
        left = self.remaining()
        parts = [
            f"{self.settled:,} articles" + (f" ({self.share:.0%} read)" if self.share else ""),
            f"{_rate(self.settled / self.seconds)} articles/s",
            f"{_rate(self.tokens / self.seconds)} tokens/s",
            f"{clock(self.seconds)} elapsed",
            *([] if left is None else [f"about {clock(left)} left"]),
            f"{self.failed:,} failed",
            f"{self.findings:,} findings",
        ]
        return ", ".join(parts)


class Progress:
    """Shows a tally while it is entered: ``async with Progress(tally): …``."""

    def __init__(self, tally: Tally, stream: TextIO | None = None) -> None:
        self._tally = tally
        self._stream = stream or sys.stderr
        self._bar: Any = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Progress:
        if self._stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(
                total=100, file=self._stream, leave=False, bar_format="{bar:20} {desc}"
            )
        self._task = asyncio.create_task(self._show())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
        if self._bar is not None:
            self._bar.close()

    def of(self, tally: Tally) -> Progress:
        """One like it, of another tally."""
        return Progress(tally, self._stream)

    def say(self, line: str) -> None:
        """Say something, above the bar if there is one."""
        text = f"svodka: {line}"
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(_BAR_SECONDS if self._bar is not None else _LINE_SECONDS)
            if self._bar is None:
                self.say(self._tally.line())
            else:
                self._bar.n = round(100 * self._tally.share)
                self._bar.set_description_str(self._tally.line())


def table(rows: dict[str, str]) -> Iterator[str]:
    """Rows of a name and a value, the values aligned on the right."""
    wide, long = max(map(len, rows)), max(map(len, rows.values()))
    for name, value in rows.items():
        yield f"{name.ljust(wide)}  {value.rjust(long)}"


def summary(tally: Tally, **more: str) -> Iterator[str]:
    """The closing table."""
    return table(
        {
            "articles": f"{tally.done:,}",
            "failed": f"{tally.failed:,}",
            "findings": f"{tally.findings:,}",
            **more,
            "time": clock(tally.seconds),
            "articles/s": _rate(tally.settled / tally.seconds),
            "tokens/s": _rate(tally.tokens / tally.seconds),
        }
    )


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
