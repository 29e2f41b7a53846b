"""Sentence pairs for training: read, encoded, dealt into batches.

A pair becomes one row: the prompt the translator is asked with, then the answer
and its end. Only the answer is to be learned. This module knows no model; how
the rows are learned is ``train``'s.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.starter.build import PROMPT

IGNORED = -100  # the label that torch's cross entropy leaves out


@dataclass(frozen=True)
class Pair:
    """A sentence and its translation."""

    en: str
    ru: str


@dataclass(frozen=True)
class Example:
    """A pair as ids: ``prompt`` of them ask, the rest answer and end with eos."""

    ids: tuple[int, ...]
    prompt: int


@dataclass(frozen=True)
class Batch:
    """int64 tensors (rows, longest); labels are ``IGNORED`` wherever nothing is to be learned."""

    input_ids: Tensor
    attention_mask: Tensor
    labels: Tensor


def read_pairs(paths: Iterable[Path]) -> list[Pair]:
    """Read JSONL files with an ``en`` and a ``ru`` in every line; other keys are passed over.

    Raises ``ValueError`` naming the file and the line that has no such pair.
    """
    pairs = []
    for path in paths:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    record = json.loads(line)
                    pair = Pair(record["en"].strip(), record["ru"].strip())
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise ValueError(
                        f"{path}:{number}: expected a JSON object with the texts en and ru"
                    ) from error
                if pair.en and pair.ru:
                    pairs.append(pair)
    return pairs


def ask(en: str) -> str:
    """Return the prompt for one English sentence."""
    return PROMPT.replace("{text}", en)


def encode_pairs(tokenizer: Any, pairs: Sequence[Pair], longest: int) -> list[Example]:
    """Encode pairs; those over ``longest`` tokens, prompt included, are left out, never cut."""
    if not pairs:
        return []
    prompts = tokenizer([ask(pair.en) for pair in pairs])["input_ids"]
    answers = tokenizer([f" {pair.ru}" for pair in pairs], add_special_tokens=False)["input_ids"]
    examples = [
        Example((*prompt, *answer, tokenizer.eos_token_id), len(prompt))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    return [example for example in examples if len(example.ids) <= longest]


def deal(examples: Sequence[Example], budget: int, seed: int) -> list[list[Example]]:
    """Deal all examples into batches of similar lengths, at most ``budget`` padded tokens each.

    A single example over the budget is a batch of its own. Both the batches' order
    and, among equal lengths, their company follow from the seed.
    """
    chance = random.Random(seed)  # noqa: S311
    shuffled = chance.sample(list(examples), len(examples))
    batches: list[list[Example]] = [[]]
    for example in sorted(shuffled, key=lambda example: len(example.ids)):  # each the longest yet
        if batches[-1] and (len(batches[-1]) + 1) * len(example.ids) > budget:
            batches.append([])
        batches[-1].append(example)
    chance.shuffle(batches)
    return [batch for batch in batches if batch]


def stack(examples: Sequence[Example], pad: int) -> Batch:
    """Stack examples into tensors, filled up on the right."""
    width = max(len(example.ids) for example in examples)
    input_ids = torch.full((len(examples), width), pad)
    attention_mask = torch.zeros_like(input_ids)
    labels = torch.full_like(input_ids, IGNORED)
    for row, example in enumerate(examples):
        end = len(example.ids)
        input_ids[row, :end] = torch.tensor(example.ids)
        attention_mask[row, :end] = 1
        labels[row, example.prompt : end] = input_ids[row, example.prompt : end]
    return Batch(input_ids, attention_mask, labels)
