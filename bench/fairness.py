"""What do others notice of one caller who asks for twenty times its share?

    python -m bench.fairness [--quick]

Ten callers, each with a token and a connection of its own, ask one server over a socket. Its model
takes a fixed time for a batch (`bench.paced`); everything else is the product's. First a closed
loop of many tells the rate that it sustains. Then requests arrive at random, at several loads in
shares of that rate: from ten who send equally much, and from nine and one who sends twenty times as
much as each of them. The total is the same. Told are the latencies of the nine, of what was
answered, and their ratio to those of any nine of the equal ones; how many of their requests were
refused or late; and the same of the one.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path

import grpc.aio

from bench.bed import run
from bench.load import Answer, Ask, Item, arriving, closed, percentile, rate, show
from svodka.v1 import svodka_service_pb2 as pb
from svodka.v1 import svodka_service_pb2_grpc

CALLERS = 10
TIMES = 20
HEAD = [
    "load", "from", "nine: p50 s", "p95 s", "to equal", "refused", "one: p50 s", "p95 s", "refused",
]  # fmt: skip
Stub = svodka_service_pb2_grpc.SvodkaServiceStub


async def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each row")
    parser.add_argument("--deadline", type=float, default=3.0, help="of each request, in seconds")
    parser.add_argument("--loads", type=float, nargs="*", default=[0.8, 2.0])
    parser.add_argument("--quick", action="store_true", help="short: does it run")
    given = parser.parse_args()
    seconds = 6.0 if given.quick else given.seconds
    async with serving(given.deadline) as callers:
        peak = await closed(callers[0], items(0), 128, 6.0)
        most = rate(peak, 2.0)
        rows = []
        for load in given.loads:
            equal = [1 / CALLERS] * CALLERS
            greedy = [1 / (CALLERS - 1 + TIMES)] * (CALLERS - 1)
            greedy.append(1 - sum(greedy))
            calm = 0.0
            for name, shares in (("ten equal", equal), ("nine and one", greedy)):
                answers = await asyncio.gather(
                    *(
                        arriving(caller, items(n), share * load * most, seconds, seed=n)
                        for n, (caller, share) in enumerate(zip(callers, shares, strict=True))
                    )
                )
                nine, one = list(chain.from_iterable(answers[:-1])), answers[-1]
                p95 = percentile(good(nine), 0.95)
                calm = calm or p95
                ratio = f"{p95 / calm:.2f}"
                rows.append(
                    [f"{load:g}", name, *told(nine), ratio, lost(nine), *told(one), lost(one)]
                )
    print(f"{CALLERS} callers; the server sustains {most:.0f} requests a second\n")
    show(HEAD, rows)


def told(answers: Sequence[Answer]) -> list[str]:
    """Median and tail of what was answered."""
    return [f"{percentile(good(answers), share):.2f}" for share in (0.5, 0.95)]


def lost(answers: Sequence[Answer]) -> str:
    """The share of what was not answered."""
    return f"{1 - len(good(answers)) / len(answers):.0%}" if answers else ""


def good(answers: Sequence[Answer]) -> list[Answer]:
    """What was answered."""
    return [answer for answer in answers if not answer.error]


def items(seed: int) -> Iterator[Item[pb.TranslateRequest]]:
    """Texts of 64 to 256 words, for ever."""
    lengths = random.Random(seed)
    while True:
        text = "word " * lengths.randint(64, 256)
        yield Item(pb.TranslateRequest(text=text, no_cache=True))


@asynccontextmanager
async def serving(deadline: float) -> AsyncIterator[list[Ask[pb.TranslateRequest]]]:
    """Ten callers, and a server that knows them."""
    names = [f"caller-{n}" for n in range(CALLERS)]
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "tokens.toml"
        tokens.write_text(
            "".join(f'[{n}]\nsha256 = "{sha256(n.encode()).hexdigest()}"\n' for n in names)
        )
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.paced", "--tokens", str(tokens)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        try:
            address = f"127.0.0.1:{int(await process.stdout.readline())}"
            async with AsyncExitStack() as stack:
                callers = []
                for name in names:
                    options = [("grpc.use_local_subchannel_pool", 1)]
                    channel = grpc.aio.insecure_channel(address, options)
                    stub = Stub(await stack.enter_async_context(channel))
                    shown = (("authorization", f"Bearer {name}"),)
                    callers.append(partial(stub.Translate, timeout=deadline, metadata=shown))
                yield callers
        finally:
            process.kill()
            await process.wait()


if __name__ == "__main__":
    run(main())
