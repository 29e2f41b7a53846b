"""What every peer runs: the same models on the same engine, batch in, batch out.

Two ways of doing a batch, as people write them:

- ``plain``: the whole batch at once, padded to its longest, as every framework's documentation
  shows it.
- ``tuned``: sorted by length and split into batches of a token budget, the best that can be done
  with requests that have been batched by count already.

The engine is the service's own where it is CTranslate2. Where it is transformers, it is the
library's ``generate``, with the settings that lie with the model, as every model card shows it.

An article is summarized, and its summary's sentences are translated. There is no cleaning, no
checking and no second try here, so a peer does less for an article than the service does.

Which texts they are comes with them, so that one server does both kinds of work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from bench.ceiling import Ids, batched
from models import ModelRef, open_codec, open_engine, select
from service.pipeline.cores import usable_cores
from service.sentences import sentence_offsets

BUDGET = 16_384  # padded tokens, as the service's own default

Run = Callable[[Sequence[Ids]], list[str]]  # a batch's answers


class App:
    """Both models, loaded. Settings come by a variable, which reaches any worker process."""

    def __init__(self) -> None:
        settings = json.loads(os.environ["PEER"])
        self._tuned = settings["tuned"]
        selection = select(**settings["models"])
        self._summarizer, self._translator = selection.summarizer, selection.translator
        self._codecs, self._engines = {}, {}
        for ref in (self._summarizer, self._translator):
            self._codecs[ref.role] = open_codec(ref)
            library = ref.engine == "transformers"
            self._engines[ref.role] = by_generate(ref) if library else by_engine(ref)
        self.answer([{"text": "Hello."}, {"article": "Hello. It is a warm day."}])

    def answer(self, items: Sequence[dict[str, str]]) -> list[dict[str, str]]:
        """One answer for each item, which is a ``text`` or an ``article``."""
        articles = [item["article"] for item in items if "article" in item]
        summaries = iter(self._run(self._summarizer, articles))
        pieces: list[list[str]] = []
        for item in items:
            if "text" in item:
                pieces.append([item["text"]])
            else:
                summary = next(summaries)
                pieces.append([summary[a:b] for a, b in sentence_offsets(summary)])
        russian = iter(self._run(self._translator, [text for own in pieces for text in own]))
        return [{"russian": " ".join(next(russian) for _ in own)} for own in pieces]

    def _run(self, ref: ModelRef, texts: Sequence[str]) -> list[str]:
        if not texts:
            return []
        codec, run = self._codecs[ref.role], self._engines[ref.role]
        ids = [codec.encode(text) for text in texts]
        if not self._tuned:
            return run(ids)
        answers: dict[Ids, str] = {}
        for batch in batched(list(dict.fromkeys(ids)), ref, BUDGET):
            answers |= zip(batch, run(batch), strict=True)
        return [answers[row] for row in ids]


def by_engine(ref: ModelRef) -> Run:
    """The service's own engine."""
    engine = open_engine(ref, usable_cores())
    return lambda batch: [answer.text for answer in engine.run(batch, ref.decoding)]


def by_generate(ref: ModelRef) -> Run:
    """``generate`` over the padded batch."""
    torch.set_num_threads(usable_cores())
    tokenizer = AutoTokenizer.from_pretrained(ref.path)
    model = AutoModelForSeq2SeqLM.from_pretrained(ref.path).eval()

    def run(batch: Sequence[Ids]) -> list[str]:
        inputs = tokenizer.pad({"input_ids": [list(row) for row in batch]}, return_tensors="pt")
        with torch.inference_mode():
            return tokenizer.batch_decode(model.generate(**inputs), skip_special_tokens=True)

    return run
