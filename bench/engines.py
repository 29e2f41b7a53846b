"""How much faster is CTranslate2, and what does int8 change?

    python -m bench.engines

Models translate the same rows by each engine, in one batch, on one core: networks of the
shapes of opus-mt (six layers each, width 512, 62,518 pieces) and of its big sister (width
1,024) with random weights, whose outputs are made about as long as their inputs; and the
starter with its real weights, on sentences of its reference. Counted is the core's own time,
which other work hardly touches. Prints one table: rows a second, how many times that of
transformers in float32, and how many answers are the same as its.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from bench.speed import SHAPES
from models import (
    Decoding,
    Generated,
    converter,
    ctranslate2_engine,
    open_codec,
    open_engine,
    select,
    torch_engine,
)
from models.onednn import use_onednn
from models.selection import ModelRef
from models.starter import build

ENGINES = (("transformers", "float32"), ("ctranslate2", "float32"), ("ctranslate2", "int8"))
MODELS = {
    "opus": "Helsinki-NLP/opus-mt-en-ru",
    "opus-big": "Helsinki-NLP/opus-mt-tc-big-en-zle",
    "starter": "",
}
SEARCHES = (1, 4)  # beams
Run = Callable[[Sequence[tuple[int, ...]], Decoding], Any]


def opus(name: str, rows: int) -> Iterator[tuple[str, str, Run, list[tuple[int, ...]], Decoding]]:
    """A Marian's shape; a row has 12 to 48 tokens, and about as many come out."""
    torch.manual_seed(0)
    model = SHAPES[name][0]().eval()
    model.generation_config.update(
        decoder_start_token_id=model.config.decoder_start_token_id, eos_token_id=0
    )
    chance = random.Random(1)
    batch = [tuple(chance.choices(range(5, 60_000), k=chance.randint(12, 48))) for _ in range(rows)]
    decoding = Decoding(min_tokens=512, max_tokens=512, max_ratio=0.7)
    codec: Any = SimpleNamespace(decode=str, pad_id=model.config.pad_token_id, forced_bos_id=None)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        model.save_pretrained(folder)
        ref = ModelRef(
            role="", task="generate", name=name, revision="", path=folder, engine="",
            compute_type="float32", family="marian", max_input_tokens=512, decoding=decoding,
            safer=decoding,
        )  # fmt: skip
        for engine, compute_type in ENGINES:
            here = replace(ref, engine=engine, compute_type=compute_type)
            if engine == "transformers":
                use_onednn(model)
                run: Run = torch_engine.Generator(here, codec, model).run
            else:
                converted = Path(place) / compute_type
                converter.convert(ref, codec, compute_type, converted)
                network = ctranslate2_engine.Network(here, converted, 1)
                run = ctranslate2_engine.generator(here, codec, network).run
            yield engine, compute_type, run, batch, decoding


def starter(rows: int) -> Iterator[tuple[str, str, Run, list[tuple[int, ...]], Decoding]]:
    """The starter on the shortest sentences of its reference."""
    lines = (build.SOURCE / "reference.jsonl").read_text("utf-8").splitlines()
    sentences = sorted((json.loads(line)["en"] for line in lines), key=len)[:rows]
    for engine, compute_type in ENGINES:
        ref = select("starter", engine=engine, compute_type=compute_type).translator
        codec = open_codec(ref)
        run = open_engine(ref, 1, codec=codec).run
        yield engine, compute_type, run, [codec.encode(text) for text in sentences], ref.decoding


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.engines", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("models", nargs="*", help=f"some of {', '.join(MODELS)} (all)")
    parser.add_argument("--rows", type=int, default=16, help="of the batch (16)")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts (2)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(f"one batch of {options.rows} rows, one core, its own time")
    print(f"{'model':<10}{'beams':>6}  {'engine':<14}{'numbers':<9}{'rows/s':>8}{'times':>7}  same")
    first: dict[tuple[str, int], tuple[float, list[str]]] = {}
    for name in options.models or MODELS:
        cases = starter(options.rows) if name == "starter" else opus(MODELS[name], options.rows)
        for engine, compute_type, run, batch, decoding in cases:
            for beams in SEARCHES:
                search = replace(decoding, num_beams=beams)
                seconds, answers = _timed(run, batch, search, options.rounds)
                base, reference = first.setdefault((name, beams), (seconds, answers))
                same = sum(a == b for a, b in zip(answers, reference, strict=True))
                print(
                    f"{name:<10}{beams:>6}  {engine:<14}{compute_type:<9}"
                    f"{len(batch) / seconds:>8.2f}{base / seconds:>7.1f}  {same}/{len(batch)}",
                    flush=True,
                )
    return 0


def _timed(
    run: Run, batch: list[tuple[int, ...]], decoding: Decoding, rounds: int
) -> tuple[float, list[str]]:
    times, answers = [], []
    for _ in range(rounds):
        began = time.process_time()
        answers = run(batch, decoding)
        times.append(time.process_time() - began)
    assert all(isinstance(answer, Generated) for answer in answers)
    return min(times), [answer.text for answer in answers]


if __name__ == "__main__":
    sys.exit(main())
