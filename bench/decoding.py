"""How fast does one lane decode: transformers' ``generate``, our loop, our loop with oneDNN?

    python -m bench.decoding --source sentences.txt [--limit 128] [--threads 1] [--rounds 2]

Two models translate the same sentences in batches of like length, as a lane gets them:
``starter`` as it is, with its own lengths; and a network of opus-mt's shape (six layers
each, width 512, 62,518 pieces) with random weights, whose lengths are imposed: an input
has 1.4 ids a word, an output 0.7 to 1.4 times as many as its input. Prints one table:
processor seconds, so that other work on the machine counts little, of three ways that
take turns, the best of several rounds; how much faster the last is than the first; and
the share of rows with equal outputs (float32 rounds differently in other widths).
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
import transformers as hf

from models import Decoding, open_codec, select
from models.engine import nobody
from models.onednn import use_onednn
from models.rules import Rules
from models.searching import Beams, Greedy
from models.stepping import Decoder, EncoderDecoder, generate
from models.torch_engine import load

Ids = tuple[int, ...]
Batch = list[tuple[Ids, int]]  # inputs, and how long their outputs may be


class Case:
    """A model, and rows for it. With ``imposed``, each output is as long as it may be."""

    def __init__(self, name: str, model: Any, rows: Batch, *, size: int, imposed: bool) -> None:
        self.name, self._imposed = name, imposed
        self._plain, self._model = model, model
        self._by_onednn = deepcopy(model)
        use_onednn(self._by_onednn)
        self._decoder = not model.config.is_encoder_decoder
        self._end = model.generation_config.eos_token_id
        self._pad = model.generation_config.pad_token_id
        rows = sorted(rows, key=lambda row: len(row[0]))
        self.batches = [rows[start : start + size] for start in range(0, len(rows), size)]

    def by_generate(self, batch: Batch, beams: int) -> list[list[int]]:
        """Ask transformers, with each row ended at its bound."""
        ids, mask = self._padded(batch)
        start = ids.shape[1] if self._decoder else 1
        bounds = [bound for _, bound in batch]
        outputs = self._model.generate(
            ids,
            attention_mask=mask,
            do_sample=False,
            num_beams=beams,
            max_new_tokens=max(bounds) + 1,
            forced_eos_token_id=None,
            logits_processor=[Bounds(bounds, beams, start, self._end, self._imposed)],
        )
        return [_before(self._end, row) for row in outputs[:, start:].tolist()]

    def by_loop(self, batch: Batch, beams: int) -> list[list[int]]:
        """Ask our loop."""
        ids, mask = self._padded(batch)
        bounds = torch.tensor([bound for _, bound in batch])
        decoding = Decoding(num_beams=beams, min_tokens=10_000 if self._imposed else 0)
        rules = Rules(decoding, torch.tensor([self._end]))
        begin = torch.empty(len(batch), 0, dtype=torch.long)
        search = Greedy(begin, bounds, bounds, rules)
        if beams > 1:
            search = Beams(begin, bounds, bounds, rules, decoding)
        if self._decoder:
            return generate(Decoder(self._model, mask), ids, search, nobody)
        start = torch.full((len(batch), 1), self._model.generation_config.decoder_start_token_id)
        return generate(EncoderDecoder(self._model, ids, mask), start, search, nobody)

    def onednn(self, use: bool) -> None:
        """Compute linear layers by oneDNN, or as torch does by itself."""
        self._model = self._by_onednn if use else self._plain

    def _padded(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(ids) for ids, _ in batch)
        ids = torch.full((len(batch), width), self._pad)
        mask = torch.zeros_like(ids)
        for n, (row, _) in enumerate(batch):
            place = slice(width - len(row), None) if self._decoder else slice(0, len(row))
            ids[n, place], mask[n, place] = torch.tensor(row), 1
        return ids, mask


class Bounds(hf.LogitsProcessor):
    """Ends each row at its bound, and with ``imposed`` not before it."""

    def __init__(
        self, bounds: Sequence[int], beams: int, start: int, end: int, imposed: bool
    ) -> None:
        self._bounds = torch.tensor(bounds).repeat_interleave(beams)
        self._start, self._end, self._imposed = start, end, imposed

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Bend scores (rows, vocabulary)."""
        if self._imposed:
            scores[:, self._end] = -math.inf
        over = input_ids.shape[1] - self._start >= self._bounds
        if over.any():
            scores[over] = -math.inf
            scores[over, self._end] = 0.0
        return scores


def starter(lines: Sequence[str]) -> Case:
    """The starter's translator."""
    ref = select("starter", engine="transformers").translator
    model, codec = load(ref), open_codec(ref)
    inputs = [codec.encode(line) for line in lines]
    rows = [(ids, ref.decoding.bound(len(ids))) for ids in inputs if len(ids) <= 128]
    return Case("starter", model, rows, size=32, imposed=False)


def marian(lines: Sequence[str]) -> Case:
    """A network of opus-mt's shape."""
    torch.manual_seed(0)
    model = hf.MarianMTModel(
        hf.MarianConfig(
            vocab_size=62_518,
            d_model=512,
            encoder_layers=6,
            decoder_layers=6,
            encoder_attention_heads=8,
            decoder_attention_heads=8,
            encoder_ffn_dim=2048,
            decoder_ffn_dim=2048,
            max_position_embeddings=512,
            pad_token_id=62_517,
            eos_token_id=0,
            decoder_start_token_id=62_517,
            forced_eos_token_id=None,
            scale_embedding=True,
            activation_function="swish",
        )
    ).eval()
    dice = random.Random(0)
    rows = []
    for line in lines:
        count = min(400, max(2, round(1.4 * len(line.split()))))
        ids = tuple(dice.randrange(1, 62_000) for _ in range(count))
        rows.append((ids, max(2, round(count * dice.uniform(0.7, 1.4)))))
    return Case("opus-mt's shape", model, rows, size=64, imposed=True)


def _before(end: int, ids: list[int]) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids


@torch.inference_mode()
def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="English text, a line each")
    parser.add_argument("--limit", type=int, default=128, help="lines used, evenly spread")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", help="part of a row's name")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    lines = [line for line in given.source.read_text("utf-8").splitlines() if line.strip()]
    lines = lines[:: max(1, len(lines) // given.limit)][: given.limit]
    print(f"{'':<24} rows  ids out  generate   loop  loop+oneDNN  ratio  same")
    ours: list[list[int]] = []
    for case in (marian(lines), starter(lines)):
        for beams in (1, 4):
            name = f"{case.name}, {'greedy' if beams == 1 else f'{beams} beams'}"
            if given.only and given.only not in name:
                continue
            ways = ((case.by_generate, False), (case.by_loop, False), (case.by_loop, True))
            seconds = [math.inf] * len(ways)
            outputs: list[list[list[int]]] = [[]] * len(ways)
            for _ in range(given.rounds):
                for n, (way, fast) in enumerate(ways):
                    case.onednn(fast)
                    began = time.process_time()
                    outputs[n] = [row for batch in case.batches for row in way(batch, beams)]
                    seconds[n] = min(seconds[n], time.process_time() - began)
            theirs, ours = outputs[0], outputs[-1]
            same = sum(a == b for a, b in zip(theirs, ours, strict=True)) / len(ours)
            before, between, after = seconds
            print(
                f"{name:<24} {len(ours):4} {sum(map(len, ours)):8} {before:9.1f} {between:6.1f} "
                f"{after:12.1f} {before / after:6.2f} {same:5.1%}",
                flush=True,
            )
    lengths = sorted(map(len, ours))
    print(f"\nids of an output: {[lengths[len(lengths) * q // 100] for q in (0, 10, 50, 90, 99)]}")
    print(f"torch {torch.__version__}, {given.threads} threads, load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
