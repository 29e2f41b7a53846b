"""Tokenizers of the kinds that the families have, trained on a few lines.

Each function writes the files that the hub has for such a model, in the hub's form,
and returns how many ids there are. Ids of special tokens stand where the real ones do.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import NllbTokenizer
from transformers.convert_slow_tokenizer import import_protobuf

from models import sentencepieces
from zoo.texts import LINES

sentencepieces.make_readable()


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def bytes_bpe(folder: Path, special: Sequence[str], last: Sequence[str], template: str = "") -> int:
    """A byte-level BPE as BART's, Qwen's and Llama 3's: every text falls into known pieces."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in last])
    if template:
        names = [name for name in template.split() if name != "$A"]
        ids = [(name, tokenizer.token_to_id(name)) for name in names]
        tokenizer.post_processor = processors.TemplateProcessing(template, special_tokens=ids)
    tokenizer.save(str(folder / "tokenizer.json"))
    content = json.loads(tokenizer.to_str())["model"]
    write_json(folder / "vocab.json", {**content["vocab"], **_ids(tokenizer, last)})
    merges = "\n".join(" ".join(pair) for pair in content["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
    return tokenizer.get_vocab_size()


def gemma_bpe(folder: Path, named: Sequence[str], turns: Sequence[str]) -> int:
    """Gemma's BPE: blanks are ▁, what no piece covers falls into bytes, turns have marks."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trained.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=260, show_progress=False))
    content = json.loads(trained.to_str())["model"]
    every = [*named, *turns, "\n", *(f"<0x{byte:02X}>" for byte in range(256)), *content["vocab"]]
    bpe = models.BPE(
        vocab={piece: number for number, piece in enumerate(dict.fromkeys(every))},
        merges=[tuple(pair) for pair in content["merges"]],
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(bpe)
    tokenizer.add_special_tokens([*named, *turns])
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = processors.TemplateProcessing(
        "<bos> $A", special_tokens=_pairs(tokenizer, ["<bos>"])
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer.get_vocab_size()


def pieces(path: Path, **options: Any) -> list[str]:
    """A sentencepiece model in its own file; returns its pieces by their ids."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=model,
        **{"vocab_size": 150, "character_coverage": 1.0, "minloglevel": 2, **options},
        num_threads=1,
        hard_vocab_limit=False,
    )
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(number) for number in range(len(processor))]


def nllb_bpe(folder: Path) -> int:
    """NLLB's BPE over ▁words, with the languages' codes behind the pieces."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=260, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False
    )
    trained.train_from_iterator(LINES, trainer)
    content = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in content["merges"]]
    tokenizer = NllbTokenizer(vocab=content["vocab"], merges=merges)
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def unigram(folder: Path, known: Sequence[str], unk: str, end: str) -> int:
    """Write the tokenizer.json that goes with ``spiece.model`` in T5's repositories."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    scored = [(piece, processor.get_score(number)) for number, piece in enumerate(known)]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=known.index(unk)))
    tokenizer.normalizer = normalizers.Precompiled(_charsmap(folder / "spiece.model"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        f"$A {end}", special_tokens=[(end, known.index(end))]
    )
    tokenizer.add_special_tokens([name for name in known if name in {"<pad>", "<s>", unk, end}])
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer.get_vocab_size()


def added(ids: dict[str, int], plain: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """The ``added_tokens_decoder`` of a tokenizer_config.json; ``plain`` ones are not special."""
    return {
        str(number): {
            "content": name,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": name not in plain,
        }
        for name, number in ids.items()
    }


def ids_of(folder: Path, names: Sequence[str]) -> dict[str, int]:
    """The ids of tokens in a folder's tokenizer.json."""
    return _ids(Tokenizer.from_file(str(folder / "tokenizer.json")), names)


def _charsmap(path: Path) -> bytes:
    """The normalization rules compiled into a sentencepiece model (nmt_nfkc)."""
    proto = import_protobuf().ModelProto()
    proto.ParseFromString(path.read_bytes())
    return proto.normalizer_spec.precompiled_charsmap


def _ids(tokenizer: Tokenizer, names: Sequence[str]) -> dict[str, int]:
    return {name: tokenizer.token_to_id(name) for name in names}


def _pairs(tokenizer: Tokenizer, names: Sequence[str]) -> list[tuple[str, int]]:
    return list(_ids(tokenizer, names).items())
