"""How many rows should CTranslate2 compute together?

    python -m bench.together --sentences FILE --articles FILE.jsonl [--rows 4 8 16 32 1000]

Batches as large as a busy service makes them, of sentences for the translator and of articles for
the summarizer, are computed by the engine with about so many rows in each call; all ways in turn,
in random order, so that other work on the machine disturbs all of them alike. Tokens of input a
second and core milliseconds of a token, the medians of the rounds.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

from bench.bed import arguments, prepare
from bench.load import show
from models import ModelRef, conversion, open_codec
from models.ctranslate2_engine import Network, generator
from service.pipeline.cores import usable_cores

SENTENCES, ARTICLES = (256, 64), (16, 16)  # how many, and in batches of how many
HEAD = ["", "tokens/s", "core ms", "of the first"]


def main() -> None:
    """Measure, and print."""
    parser = arguments(__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1000, 32, 16, 8, 4, 2])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    bed = prepare(given)
    rounds = 1 if given.quick else given.rounds
    print("\nSentences\n")
    measure(bed.selection.translator, bed.sentences, SENTENCES, given.rows, rounds)
    print("\nArticles\n")
    measure(bed.selection.summarizer, bed.articles, ARTICLES, given.rows, rounds)
    print(f"\n{bed.describe()}")


def measure(
    ref: ModelRef, texts: Sequence[str], sizes: tuple[int, int], rows: Sequence[int], rounds: int
) -> None:
    """One model's table: a row for each number of rows together."""
    dice, (count, size) = random.Random(0), sizes
    codec = open_codec(ref)
    network = Network(ref, conversion.ensure(ref), usable_cores())
    engine = generator(ref, codec, network)
    ids = sorted(map(codec.encode, dice.sample(texts, count)), key=len)
    tokens = sum(map(len, ids))
    engine.run(ids[:2], ref.decoding)  # the first time is slow
    seconds: dict[int, list[float]] = {most: [] for most in rows}
    cores: dict[int, list[float]] = {most: [] for most in rows}
    for _ in range(rounds):
        for most in dice.sample(rows, len(rows)):
            network.together = network.together_long = most * ref.decoding.num_beams
            began, used = time.perf_counter(), time.process_time()
            for start in range(0, len(ids), size):
                engine.run(ids[start : start + size], ref.decoding)
            seconds[most].append(time.perf_counter() - began)
            cores[most].append(time.process_time() - used)
    first = statistics.median(seconds[rows[0]])
    table = []
    for most in rows:
        took, used = statistics.median(seconds[most]), statistics.median(cores[most])
        name = f"{most} rows" if most < size else "all"
        figures = f"{tokens / took:,.0f}", f"{used / tokens * 1e3:.2f}", f"{first / took:.2f}"
        table.append([name, *figures])
    show(HEAD, table)


if __name__ == "__main__":
    main()
