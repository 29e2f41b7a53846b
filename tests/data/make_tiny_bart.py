"""Make tiny-bart-summarizer: a BART that repeats the first sentence of what it reads.

Lead-1, learned by heart on texts made of the phrases' English sides, so that whatever is built
around a summarizer (windows, several rounds, joining, checking) has known answers. An ordinary
folder in the form of the distilbart models: byte-level BPE in vocab.json and merges.txt, output
forced to begin with <s> and end with </s>, four beams, no trigram twice, a least length; and only
128 positions, so that any longer article needs more than one window. On sentences that are not
among the phrases it answers nonsense.

    python tests/data/make_tiny_bart.py      # about five minutes on one core
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import phrases
from memorising import Batch, fit, least_margin, pad, recite, report_size, settle, write_json
from tokenizers import ByteLevelBPETokenizer
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    BartTokenizer,
    GenerationConfig,
)

FOLDER = Path(__file__).parent / "tiny-bart-summarizer"
POSITIONS = 128
ALL = 1000
# Steps, peak of the rate, and how far from the lead in the list its company may stand: neighbours
# are of one template, and the hardest to tell apart.
ROUNDS = [(2000, 3e-3, [ALL]), (1000, 1e-3, [ALL, 15])]
BATCH = 16


def write_tokenizer(sentences: list[str]) -> None:
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(
        sentences,
        vocab_size=700,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        show_progress=False,
    )
    bpe.save_model(str(FOLDER))
    write_json(
        FOLDER / "tokenizer_config.json",
        {"tokenizer_class": "BartTokenizer", "model_max_length": POSITIONS},
    )


def new_model(tokenizer: BartTokenizer) -> BartForConditionalGeneration:
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        max_position_embeddings=POSITIONS,
        dropout=0.0,
        normalize_before=False,
        normalize_embedding=True,
    )
    model = BartForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_bos_token_id=0,
        forced_eos_token_id=2,
        # distilbart stops early. This model is so sure of itself that all its second thoughts are
        # equally bad: four of them can end before the right answer has.
        early_stopping=False,
        length_penalty=2.0,
        min_length=6,  # shorter than any phrase, start and <s> counted
        max_length=64,
        no_repeat_ngram_size=3,
        num_beams=4,
    )
    return model


def article(chance: random.Random, lead: str, reach: int, tokens: dict[str, int]) -> str:
    """Return ``lead`` and as many other sentences as chance has it, within the positions.

    ``tokens`` lists all sentences and says how many tokens each has; a border has two at most.
    """
    sentences = list(tokens)
    place = sentences.index(lead)
    others = sentences[max(0, place - reach) : place + reach + 1]
    text, room = lead, POSITIONS - tokens[lead]
    for sentence in chance.sample(others, chance.randrange(12)):
        room -= tokens[sentence] + 2
        if room < 0:
            break
        text += chance.choice([" ", " ", "\n", "\n\n"]) + sentence
    return text


def batch_of(tokenizer: BartTokenizer, pairs: list[tuple[str, str]]) -> Batch:
    batch = tokenizer([text for text, _ in pairs], padding=True, return_tensors="pt")
    summaries = tokenizer([summary for _, summary in pairs])["input_ids"]
    return {**batch, "labels": pad(summaries, -100)}


def main() -> None:
    """Write the tokenizer, train, measure, write the weights."""
    chance = settle(seed=1)
    sentences = [english for english, _ in phrases.load()]
    FOLDER.mkdir(exist_ok=True)
    write_tokenizer(sentences)
    tokenizer = BartTokenizer.from_pretrained(FOLDER)
    model = new_model(tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer)} pieces")

    tokens = {sentence: len(tokenizer(sentence)["input_ids"]) for sentence in sentences}

    def articles(leads: list[str], reaches: list[int]) -> list[tuple[str, str]]:
        return [
            (article(chance, lead, reach, tokens), lead)
            for lead, reach in zip(leads, cycle(reaches), strict=False)
        ]

    def shuffled(reaches: list[int]) -> Iterator[Batch]:
        while True:
            yield batch_of(tokenizer, articles(chance.sample(sentences, BATCH), reaches))

    for steps, peak, reaches in ROUNDS:
        fit(model, shuffled(reaches), steps, peak)
    model.save_pretrained(FOLDER)
    fresh = [  # articles it never saw
        pair for reach in [ALL, 15] * 5 for pair in articles(sentences, [reach])
    ]
    batches = (batch_of(tokenizer, fresh[at : at + BATCH]) for at in range(0, len(fresh), BATCH))
    print(f"least margin {least_margin(model, batches):.2f}")

    def answer(texts: list[str], beams: int) -> list[str]:
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        output = model.generate(**batch, num_beams=beams)
        return tokenizer.decode(output, skip_special_tokens=True)

    recite(answer, fresh[: 2 * len(sentences)])
    report_size(FOLDER)


if __name__ == "__main__":
    main()
