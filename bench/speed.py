"""How fast are the presets on this machine? Measured on their shapes, without their weights.

    python -m bench.speed

Time depends on a network's shape and on how many tokens go in and come out, not on what its
weights say. So each preset that fits is built from its published configuration with
random weights, and made to write as many tokens as a news sentence or a summary has, on
one core. Counted is that core's own time, which other work on the machine hardly
touches; several cores give less than their number times as much. ``svodka models verify``
measures the real thing, once it is here.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    MarianConfig,
    MarianMTModel,
)

from models import presets
from models.decoding import Decoding
from models.onednn import use_onednn
from models.selection import ModelRef
from models.torch_engine import Generator

RUNS = 2


@dataclass(frozen=True)
class Task:
    """Rows of a batch, and the tokens of each that go in and come out."""

    unit: str
    rows: int
    tokens_in: int
    tokens_out: int


# A sentence of newstest2019 has 21 English words, 30 tokens of Marian's, and about as many in
# Russian; an article of CNN/DailyMail has 800 tokens of BART's, a summary 70.
SENTENCES = Task("sentences", 8, 30, 32)
ARTICLES = Task("articles", 2, 800, 70)


def _bart(encoder: int, decoder: int) -> Any:
    return BartForConditionalGeneration(
        BartConfig(
            vocab_size=50264,
            d_model=1024,
            encoder_layers=encoder,
            decoder_layers=decoder,
            encoder_ffn_dim=4096,
            decoder_ffn_dim=4096,
            encoder_attention_heads=16,
            decoder_attention_heads=16,
        )
    )


def _marian(vocabulary: int, width: int, heads: int, inner: int) -> Any:
    return MarianMTModel(
        MarianConfig(
            vocab_size=vocabulary,
            d_model=width,
            encoder_layers=6,
            decoder_layers=6,
            encoder_ffn_dim=inner,
            decoder_ffn_dim=inner,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            max_position_embeddings=1024,
            decoder_start_token_id=vocabulary - 1,
            pad_token_id=vocabulary - 1,
            eos_token_id=0,
        )
    )


# Shapes from the models' config.json; the parameters printed are a check of them.
SHAPES: dict[str, tuple[Callable[[], Any], Task]] = {
    "sshleifer/distilbart-cnn-6-6": (lambda: _bart(6, 6), ARTICLES),
    "sshleifer/distilbart-cnn-12-6": (lambda: _bart(12, 6), ARTICLES),
    "facebook/bart-large-cnn": (lambda: _bart(12, 12), ARTICLES),
    "Helsinki-NLP/opus-mt-en-ru": (lambda: _marian(62518, 512, 8, 2048), SENTENCES),
    "Helsinki-NLP/opus-mt-tc-big-en-zle": (lambda: _marian(61018, 1024, 16, 4096), SENTENCES),
}


def measure(model: Any, task: Task, decoding: Decoding) -> float:
    """Return units a second of one core, the best of ``RUNS``, at the task's length."""
    ref = ModelRef(
        role="", task="generate", name="", revision="", path=Path(), engine="transformers",
        compute_type="float32", family=model.config.model_type, max_input_tokens=1024,
        decoding=decoding, safer=decoding,
    )  # fmt: skip
    codec: Any = SimpleNamespace(decode=lambda ids: "", pad_id=1, forced_bos_id=None)
    model.generation_config.forced_bos_token_id = None
    use_onednn(model)
    engine = Generator(ref, codec, model.eval())
    length = Decoding(
        num_beams=decoding.num_beams, min_tokens=task.tokens_out, max_tokens=task.tokens_out
    )
    torch.manual_seed(1)
    batch = [tuple(torch.randint(5, 5000, (task.tokens_in,)).tolist()) for _ in range(task.rows)]
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        answers = engine.run(batch, length)
        times.append(time.process_time() - began)
        assert all(answer.output_tokens == task.tokens_out for answer in answers)
    return task.rows / min(times)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every shape, or those named, and print one table."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", nargs="*", help="some of the presets' models (all that fit)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print("float32, the transformers engine, the presets' own searches; per second of one core")
    for name in options.names or SHAPES:
        make, task = SHAPES[name]
        row = next(row for row in presets.PRESETS if row.name == name)
        torch.manual_seed(0)
        model = make()
        count = sum(tensor.numel() for tensor in model.parameters())
        assert row.decoding
        rate = measure(model, task, row.decoding)
        print(f"{name:<36}{count / 1e6:>6.0f} M  {rate:8.3f} {task.unit}/s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
