"""Make tiny-marian-en-ru: a Marian that knows the phrases' Russian by heart.

An ordinary folder in the form of the opus-mt models: two sentencepiece models and one vocabulary
over both, end of sentence first and pad last, decoding from pad, pad forbidden in the output,
swish, post-norm, sinusoidal positions. Only smaller.

    python tests/data/phrases.py
    python tests/data/make_tiny_marian.py      # about four minutes on one core
"""

from __future__ import annotations

import io
import string
from collections.abc import Iterator
from pathlib import Path

import phrases
import sentencepiece
import torch
from memorising import Batch, fit, least_margin, pad, recite, report_size, settle, write_json
from transformers import GenerationConfig, MarianConfig, MarianMTModel, MarianTokenizer

FOLDER = Path(__file__).parent / "tiny-marian-en-ru"
STEPS = 1600
BATCH = 32


def write_pieces(path: Path, sentences: list[str], size: int, alphabet: str, rule: str) -> list:
    """Train a sentencepiece model, write it to ``path`` and return its pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        vocab_size=size,
        character_coverage=1.0,
        required_chars=alphabet,
        normalization_rule_name=rule,
        num_threads=1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [pieces.id_to_piece(number) for number in range(len(pieces))]


def write_tokenizer(pairs: list[tuple[str, str]]) -> None:
    latin = string.ascii_letters + string.digits + string.punctuation
    cyrillic = "".join(chr(code) for code in range(ord("а"), ord("я") + 1)) + "ё"
    english = write_pieces(
        FOLDER / "source.spm", [en for en, _ in pairs], 290, latin, rule="nmt_nfkc"
    )
    russian = write_pieces(
        FOLDER / "target.spm",
        [ru for _, ru in pairs],
        380,
        latin + cyrillic + cyrillic.upper() + "«»—",
        rule="identity",  # nobody's input: the normalizer's table would only add 240 kB
    )
    pieces = dict.fromkeys(["</s>", "<unk>", *english, *russian])  # both, each once, in order
    pieces.pop("<s>")
    write_json(FOLDER / "vocab.json", {piece: n for n, piece in enumerate([*pieces, "<pad>"])})
    write_json(
        FOLDER / "tokenizer_config.json",
        {
            "tokenizer_class": "MarianTokenizer",
            "source_lang": "en",
            "target_lang": "ru",
            "model_max_length": 512,
        },
    )


def new_model(tokenizer: MarianTokenizer) -> MarianMTModel:
    start = tokenizer.pad_token_id
    config = MarianConfig(
        vocab_size=len(tokenizer),
        d_model=64,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        max_position_embeddings=512,
        activation_function="swish",
        dropout=0.0,
        scale_embedding=True,
        static_position_embeddings=True,
        normalize_before=False,
        normalize_embedding=False,
        add_bias_logits=False,
        add_final_layer_norm=False,
        pad_token_id=start,
        decoder_start_token_id=start,
        bos_token_id=0,
        eos_token_id=0,
        forced_eos_token_id=0,
    )
    model = MarianMTModel(config)
    model.generation_config = GenerationConfig(
        bad_words_ids=[[start]],
        bos_token_id=0,
        decoder_start_token_id=start,
        eos_token_id=0,
        forced_eos_token_id=0,
        max_length=512,
        num_beams=4,
        pad_token_id=start,
        renormalize_logits=True,
    )
    keep_zero(model.get_input_embeddings().weight, start)
    return model


def keep_zero(embeddings: torch.nn.Parameter, row: int) -> None:
    """Hold one row at zero: Marian decodes from no embedding at all, and other engines rely on it.

    The rows are also the output layer's, whose gradient would move it.
    """
    with torch.no_grad():
        embeddings[row] = 0
    keep = torch.ones(len(embeddings), 1)
    keep[row] = 0
    embeddings.register_hook(lambda gradient: gradient * keep)


def batch_of(tokenizer: MarianTokenizer, pairs: list[tuple[str, str]]) -> Batch:
    batch = tokenizer([en for en, _ in pairs], padding=True, return_tensors="pt")
    answers = tokenizer(text_target=[ru for _, ru in pairs])["input_ids"]
    return {**batch, "labels": pad(answers, -100)}


def main() -> None:
    """Write the tokenizer, train, measure, write the weights."""
    chance = settle(seed=1)
    pairs = phrases.load()
    write_tokenizer(pairs)
    tokenizer = MarianTokenizer.from_pretrained(FOLDER)
    model = new_model(tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer)} pieces")

    def shuffled() -> Iterator[Batch]:
        while True:
            yield batch_of(tokenizer, chance.sample(pairs, BATCH))

    def in_order() -> Iterator[Batch]:
        for start in range(0, len(pairs), BATCH):
            yield batch_of(tokenizer, pairs[start : start + BATCH])

    fit(model, shuffled(), STEPS, peak=3e-3)
    # So sure a model has only bad second thoughts, and ending at once can be the best of them.
    # Some engines stop a beam search at its fourth end, which may come before the right one.
    model.final_logits_bias[0, tokenizer.eos_token_id] = -2.0
    model.save_pretrained(FOLDER)
    print(f"least margin {least_margin(model, in_order()):.2f}")

    def answer(sentences: list[str], beams: int) -> list[str]:
        batch = tokenizer(sentences, padding=True, return_tensors="pt")
        output = model.generate(**batch, num_beams=beams)
        return tokenizer.decode(output, skip_special_tokens=True)

    recite(answer, pairs)
    report_size(FOLDER)


if __name__ == "__main__":
    main()
