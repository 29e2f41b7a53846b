"""What does the cache save on a dump that repeats itself?

    python -m bench.repeats --sentences FILE --articles FILE.jsonl [--quick]

A dump of articles, bodies translated, as agencies' copy comes: nine articles in thirty
are there before, word for word, at a random place further on, so that 30 % of the dump's cost is
repeats. It is digested twice on fresh servers, over a stream: with the cache and with `no_cache`.
"""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator

from bench.bed import arguments, connected, prepare, run, serving
from bench.load import show
from svodka.v1 import svodka_service_pb2 as pb

REPEATED = 0.3
HEAD = ["", "seconds", "articles/s", "units cached", "of tokens repeated", "speed"]


async def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=20, help="of articles in the dump")
    parser.add_argument("--words", type=int, default=150, help="of each article, about")
    given = parser.parse_args()
    bed = prepare(given)
    count = 10 if given.quick else given.count
    texts = [beginning(text, given.words) for text in bed.articles]
    dump, share = with_repeats(list(dict.fromkeys(texts)), count)
    rows, seconds = [], []
    for name, no_cache in (("without cache", True), ("with cache", False)):
        async with serving(*bed.flags, *given.flags) as server, connected(server) as stub:
            began, cached, answered = time.perf_counter(), 0, 0
            async for reply in stub.DigestStream(requests(dump, no_cache)):
                assert not reply.error.code, reply.error
                cached += reply.digest.usage.cached_units
                answered += 1
            assert answered == len(dump)
            seconds.append(time.perf_counter() - began)
        figures = f"{seconds[-1]:.1f}", f"{len(dump) / seconds[-1]:.3f}", str(cached)
        rows.append([name, *figures, f"{share:.0%}", f"{seconds[0] / seconds[-1]:.2f}"])
    show(HEAD, rows)
    print(f"\n{len(dump)} articles of about {given.words} words. {bed.describe()}")


def beginning(text: str, words: int) -> str:
    """The sentences that the first so many words are in."""
    place = len(" ".join(text.split(" ")[:words]))
    end = text.find(". ", place)
    return text if end < 0 else text[: end + 1]


def with_repeats(texts: list[str], count: int) -> tuple[list[str], float]:
    """A dump of so many articles, repeats among them, and their share of its characters."""
    lot = random.Random(0)
    dump = lot.sample(texts, round(count * (1 - REPEATED)))
    fresh = sum(map(len, dump))
    repeats = 0
    while repeats < REPEATED / (1 - REPEATED) * fresh:
        text = lot.choice(dump)
        dump.insert(lot.randint(dump.index(text) + 1, len(dump)), text)
        repeats += len(text)
    return dump, repeats / (fresh + repeats)


async def requests(dump: list[str], no_cache: bool) -> AsyncIterator[pb.DigestStreamRequest]:
    """The dump, an item an article."""
    for number, text in enumerate(dump):
        request = pb.DigestRequest(
            article=pb.Article(text=text), translate_body=True, no_cache=no_cache
        )
        yield pb.DigestStreamRequest(request_id=str(number), request=request)


if __name__ == "__main__":
    run(main())
