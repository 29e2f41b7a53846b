"""Make tiny-decoder-en-ru: a Gemma 3 that knows the phrases' Russian by heart, given a prompt.

The prompt is the starter translator's: ``English: {text}\\nRussian:`` after <bos>, answered by
`` {Russian}<eos>``; config.json says it too. Padded on the left. One of its two layers slides over
a window shorter than most prompts, so a mask that forgets the padding, or a cache that mixes up
rows, shows.

    python tests/data/make_tiny_decoder.py      # about three minutes on one core
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path

import phrases
from memorising import Batch, fit, least_margin, pad, recite, report_size, settle, write_json
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, GemmaTokenizer, GenerationConfig

FOLDER = Path(__file__).parent / "tiny-decoder-en-ru"
PROMPT = "English: {text}\nRussian:"
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
STEPS = 1500
BATCH = 16


def train_pieces(texts: list[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the pieces and merges of a byte-pair encoding that joins no words, digits or lines."""
    bpe = Tokenizer(models.BPE())
    bpe.normalizer = normalizers.Replace(" ", "▁")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split("▁", "merged_with_next"),
            pre_tokenizers.Split("\n", "isolated"),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(individual_digits=True),
        ]
    )
    alphabet = [*string.ascii_letters, *string.digits, *string.punctuation]
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False)
    bpe.train_from_iterator(texts, trainer)
    trained = json.loads(bpe.to_str())["model"]
    return list(trained["vocab"]), [tuple(merge) for merge in trained["merges"]]


def write_tokenizer(pairs: list[tuple[str, str]]) -> None:
    """Write Gemma's own kind of tokenizer: spaces as ▁, bytes for what no piece covers."""
    pieces, merges = train_pieces([f"{PROMPT.format(text=en)} {ru}" for en, ru in pairs])
    every = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *pieces]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: number for number, piece in enumerate(every)},
            merges=merges,
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", every.index("<bos>"))]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.save(str(FOLDER / "tokenizer.json"))
    names = {f"{piece[1:-1]}_token": piece for piece in SPECIAL}
    write_json(
        FOLDER / "tokenizer_config.json",
        {"tokenizer_class": "GemmaTokenizer", "model_max_length": 512, **names},
    )


def new_model(tokenizer: GemmaTokenizer) -> Gemma3ForCausalLM:
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=32,
        query_pre_attn_scalar=32,
        sliding_window=16,
        layer_types=["sliding_attention", "full_attention"],
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        task_specific_params={"translation_en_to_ru": {"prompt": PROMPT}},
    )
    model = Gemma3ForCausalLM(config)
    model.generation_config = GenerationConfig(
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        max_new_tokens=128,
    )
    return model


def batch_of(tokenizer: GemmaTokenizer, pairs: list[tuple[str, str]]) -> Batch:
    """Prompts and answers in one row, padded on the left; only the answers are labels."""
    prompts = tokenizer([PROMPT.format(text=en) for en, _ in pairs])["input_ids"]
    answers = tokenizer([f" {ru}<eos>" for _, ru in pairs], add_special_tokens=False)["input_ids"]
    both = list(zip(prompts, answers, strict=True))
    return {
        "input_ids": pad([prompt + answer for prompt, answer in both], 0, left=True),
        "attention_mask": pad(
            [[1] * len(prompt + answer) for prompt, answer in both], 0, left=True
        ),
        "labels": pad([[-100] * len(prompt) + answer for prompt, answer in both], -100, left=True),
    }


def main() -> None:
    """Write the tokenizer, train, measure, write the weights."""
    chance = settle(seed=1)
    pairs = phrases.load()
    FOLDER.mkdir(exist_ok=True)
    write_tokenizer(pairs)
    tokenizer = GemmaTokenizer.from_pretrained(FOLDER)
    model = new_model(tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer)} pieces")

    def shuffled() -> Iterator[Batch]:
        while True:
            yield batch_of(tokenizer, chance.sample(pairs, BATCH))

    def in_order() -> Iterator[Batch]:
        for start in range(0, len(pairs), BATCH):
            yield batch_of(tokenizer, pairs[start : start + BATCH])

    fit(model, shuffled(), STEPS, peak=3e-3)
    model.save_pretrained(FOLDER)
    print(f"least margin {least_margin(model, in_order()):.2f}")

    def answer(sentences: list[str], beams: int) -> list[str]:
        prompts = [PROMPT.format(text=sentence) for sentence in sentences]
        batch = tokenizer(prompts, padding=True, return_tensors="pt")
        output = model.generate(**batch, num_beams=beams)[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in tokenizer.decode(output, skip_special_tokens=True)]

    recite(answer, pairs)
    report_size(FOLDER)


if __name__ == "__main__":
    main()
