"""The loop finds what transformers' own ``generate`` finds for each row alone, token for token.

The models are random, so their outputs wander; in float64 rounding decides nothing. Many
tokens count as end marks, so that rows end early, late and never, and leave the batch in
every order.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
)

from models import Decoding, open_codec
from models.families import FAMILIES, Shape
from models.rules import Rules
from models.searching import Beams, Greedy
from models.selection import named, refer
from models.stepping import Decoder, EncoderDecoder, generate
from zoo.texts import LINES

DATA = Path(__file__).parents[1] / "data"
# One of each kind of network; that all families answer right is test_parity's.
GENERATORS = ["bart", "led", "t5", "marian", "m2m_100", "gemma3", "qwen2", "llama"]
TEXTS = ["rain", *LINES[:3], "Cars wait. " * 4, "two roads"]
GREEDY = Decoding(max_tokens=30, max_ratio=0.4)
BEAMS = replace(GREEDY, num_beams=3)
MODES = {
    "greedy": GREEDY,
    "no_repeats": replace(GREEDY, no_repeat_ngram_size=2, min_tokens=9),
    "no_token_twice": replace(GREEDY, no_repeat_ngram_size=1, repetition_penalty=1.7),
    "beams": BEAMS,
    "beams_short": replace(BEAMS, length_penalty=0.2, early_stopping=True),
    "beams_long": replace(BEAMS, length_penalty=2.0, early_stopping="never"),
    "beams_negative": replace(BEAMS, length_penalty=-1.0, early_stopping="never"),
    "beams_everything": replace(
        BEAMS,
        num_beams=5,
        length_penalty=0.8,
        repetition_penalty=1.3,
        no_repeat_ngram_size=3,
        min_tokens=16,
        min_ratio=0.25,
    ),
}


class Model:
    """A model and both ways to ask it. ``wild``: more end marks and more banned words."""

    def __init__(self, folder, ref, texts, *, wild):
        self.codec = open_codec(ref)
        self.decoder = FAMILIES[ref.family].shape is Shape.DECODER
        kind = AutoModelForCausalLM if self.decoder else AutoModelForSeq2SeqLM
        self.model = kind.from_pretrained(folder, dtype=torch.float64).eval()
        told = self.model.generation_config
        self.banned = told.bad_words_ids or []
        forced = self.codec.forced_bos_id
        self.forced = told.forced_bos_token_id if forced is None else forced
        self.start = told.decoder_start_token_id
        self.pad = self.codec.pad_id
        self.model.generation_config = GenerationConfig(decoder_start_token_id=self.start)
        self.rows = [self.codec.encode(text) for text in texts]
        self.ends = torch.tensor([told.eos_token_id]).flatten()
        if wild:
            size = self.model.get_output_embeddings().weight.shape[0]
            some = torch.randperm(size, generator=torch.Generator().manual_seed(3))
            self.ends = torch.cat([self.ends, some[: size // 40]])
            self.banned = [*self.banned, *some[-8:].view(4, 2).tolist(), [int(some[-9])]]

    def reference(self, row, decoding):
        """Ask ``generate``, with a batch of one."""
        ids = torch.tensor([row])
        before = len(row) if self.decoder else 1
        bound, least = decoding.bound(len(row)), decoding.least(len(row))
        processors: list[LogitsProcessor] = []
        if decoding.repetition_penalty != 1.0:
            processors.append(RepetitionPenaltyLogitsProcessor(decoding.repetition_penalty))
        if decoding.no_repeat_ngram_size:
            processors.append(NoRepeatNGramLogitsProcessor(decoding.no_repeat_ngram_size))
        if self.banned:
            processors.append(NoBadWordsLogitsProcessor(self.banned, self.ends.tolist()))
        if least:
            processors.append(MinLengthLogitsProcessor(least, self.ends.tolist()))
        output = self.model.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            num_beams=decoding.num_beams,
            length_penalty=decoding.length_penalty,
            early_stopping=decoding.early_stopping,
            eos_token_id=self.ends.tolist(),
            pad_token_id=self.pad,
            forced_bos_token_id=None if self.decoder else self.forced,
            max_new_tokens=bound + 1,
            logits_processor=LogitsProcessorList(
                Afterwards(each, before) for each in [*processors, Bound(bound, self.ends[0])]
            ),
        )[0, before:].tolist()
        ends = set(self.ends.tolist())
        return output[: next((n for n, id_ in enumerate(output) if id_ in ends), len(output))]

    def ask(self, rows, decoding, dropped=lambda: ()):
        """Ask the loop, with all rows in one batch."""
        ids = torch.full((len(rows), max(map(len, rows))), self.pad)
        mask = torch.zeros_like(ids)
        for n, row in enumerate(rows):
            place = slice(-len(row), None) if self.decoder else slice(0, len(row))
            ids[n, place], mask[n, place] = torch.tensor(row), 1
        begin = [] if self.decoder or self.forced is None else [self.forced]
        begin_ids = torch.tensor(begin, dtype=torch.long).repeat(len(rows), 1)
        bounds = torch.tensor([decoding.bound(len(row)) for row in rows])
        least = torch.tensor([decoding.least(len(row)) for row in rows])
        rules = Rules(decoding, self.ends, self.banned)
        if decoding.num_beams > 1:
            search = Beams(begin_ids, least, bounds, rules, decoding)
        else:
            search = Greedy(begin_ids, least, bounds, rules)
        with torch.inference_mode():
            if self.decoder:
                network, start = Decoder(self.model, mask), ids
            else:
                network = EncoderDecoder(self.model, ids, mask)
                start = torch.tensor([self.start, *begin]).repeat(len(rows), 1)
            return generate(network, start, search, dropped)


class Afterwards(LogitsProcessor):
    """Shows another processor the output alone."""

    def __init__(self, processor, before):
        self.processor, self.before = processor, before

    def __call__(self, input_ids, scores):
        return self.processor(input_ids[:, self.before :], scores)


class Bound(LogitsProcessor):
    """Leaves nothing but an end mark from the bound on."""

    def __init__(self, bound, end):
        self.bound, self.end = bound, end

    def __call__(self, input_ids, scores):
        if input_ids.shape[1] < self.bound:
            return scores
        only = torch.full_like(scores, float("-inf"))
        only[:, self.end] = 0.0
        return only


@pytest.fixture(scope="module")
def model(folder, ref):
    opened = {}

    def get(name):
        if name not in opened:
            opened[name] = Model(folder(name), ref(name), TEXTS, wild=True)
        return opened[name]

    return get


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", GENERATORS)
def test_a_batch_gives_what_generate_gives_to_each_row_alone(name, mode, model):
    asked, decoding = model(name), MODES[mode]
    expected = [asked.reference(row, decoding) for row in asked.rows]
    assert asked.ask(asked.rows, decoding) == expected


@pytest.fixture(scope="module", params=["tiny-marian-en-ru", "tiny-decoder-en-ru"])
def trained(request):
    folder = DATA / request.param
    lines = (DATA / "tiny-marian-en-ru" / "phrases.tsv").read_text("utf-8").splitlines()[::12]
    ref = refer(named("translator", str(folder)), folder)
    return Model(folder, ref, [line.split("\t")[0] for line in lines], wild=False)


@pytest.mark.parametrize("mode", ["greedy", "beams", "beams_short", "beams_long"])
def test_rows_leave_in_any_order(mode, trained):
    """As above with models that know when to end: every length is there."""
    decoding = replace(MODES[mode], max_tokens=40)
    expected = [trained.reference(row, decoding) for row in trained.rows]
    assert trained.ask(trained.rows, decoding) == expected
    assert len({len(ids) for ids in expected}) > 4


@pytest.mark.parametrize("mode", ["greedy", "beams"])
@pytest.mark.parametrize("name", ["bart", "gemma3"])
def test_a_dropped_row_leaves_and_the_others_do_not_notice(name, mode, model):
    asked, decoding = model(name), MODES[mode]
    whole, asks = asked.ask(asked.rows, decoding), 0

    def dropped():
        nonlocal asks
        asks += 1
        return [0, 3] if asks > 2 else []

    widths = Widths(asked.model)
    with widths:
        answers = asked.ask(asked.rows, decoding, dropped)
    assert answers[1:3] + answers[4:] == whole[1:3] + whole[4:]
    assert widths.seen[0] == 6
    assert widths.seen[4] <= 4 * decoding.num_beams


@pytest.mark.parametrize("name", ["bart", "gemma3"])
def test_a_batch_that_nobody_waits_for_ends_at_once(name, model):
    asked = model(name)
    with Widths(asked.model) as widths:
        answers = asked.ask(asked.rows, GREEDY, lambda: range(6))
    assert max(map(len, answers)) <= 1  # a row that ended in the one step had its answer
    assert len(widths.seen) == 1


class Widths:
    """Notes the rows of each of a network's steps."""

    def __init__(self, model):
        self.model, self.seen = model, []

    def __enter__(self):
        self.hook = self.model.register_forward_hook(
            lambda _, __, output: self.seen.append(len(output.logits))
        )
        return self

    def __exit__(self, *_):
        self.hook.remove()
