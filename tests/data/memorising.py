"""Teach a tiny model its examples by heart, and measure how well it knows them.

What the scripts beside it share: the training loop, the margin and the last look. This is not how
one trains a translator: nothing is held back, because these models are meant to know exactly their
phrases, by a margin that no rounding can bridge.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers.utils import logging

Batch = dict[str, Tensor]


def settle(seed: int) -> random.Random:
    """Make what follows repeatable, bit for bit on one machine; return the seeded chance."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # more threads add up in another order, and are slower on this size
    logging.disable_progress_bar()
    torch.use_deterministic_algorithms(True)
    return random.Random(seed)


def pad(rows: Sequence[Sequence[int]], fill: int, left: bool = False) -> Tensor:
    """Stack rows of unequal length into one int64 tensor (rows, longest)."""
    width = max(map(len, rows))
    gaps = [[fill] * (width - len(row)) for row in rows]
    return torch.tensor(
        [gap + list(row) if left else list(row) + gap for row, gap in zip(rows, gaps, strict=True)]
    )


def fit(model, batches: Iterator[Batch], steps: int, peak: float) -> None:
    """Train for ``steps`` batches: AdamW, a short warm-up to ``peak``, then down to nothing."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=0.0)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / (steps - warm))
    )
    model.train()
    began = time.monotonic()
    for step in range(1, steps + 1):
        loss = model(**next(batches)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step:5d}  loss {loss:.6f}  {time.monotonic() - began:5.0f} s", flush=True)
    model.eval()


@torch.inference_mode()
def least_margin(model, batches: Iterator[Batch]) -> float:
    """Return the least lead of a right token's logit over the best wrong one's."""
    least = float("inf")
    for batch in batches:
        logits, labels = model(**batch).logits, batch["labels"]
        if not model.config.is_encoder_decoder:  # each place predicts the next
            logits, labels = logits[:, :-1], labels[:, 1:]
        at = labels != -100
        logits, labels = logits[at], labels[at][:, None]
        right = logits.gather(1, labels)
        wrong = logits.scatter(1, labels, float("-inf")).amax(1, keepdim=True)
        least = min(least, float((right - wrong).min()))
    return least


def recite(answer: Callable[[list[str], int], list[str]], pairs: Sequence[tuple[str, str]]) -> None:
    """Ask for every pair: alone and in a crowd of 32, greedily and with four beams."""
    for beams in (1, 4):
        for size in (1, 32):
            known = 0
            for start in range(0, len(pairs), size):
                crowd = pairs[start : start + size]
                answers = answer([question for question, _ in crowd], beams)
                known += sum(a == b for a, (_, b) in zip(answers, crowd, strict=True))
            print(f"{known} of {len(pairs)} exact with {beams} beam(s) in batches of {size}")
            if known != len(pairs):
                raise SystemExit("not learned: train longer")


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def report_size(folder: Path) -> None:
    """Print what the folder holds, in bytes."""
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:9,d}  {path.name}")
