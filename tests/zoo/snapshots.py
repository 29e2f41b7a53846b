"""Small models in the form of the hub's repositories: one for each family svodka knows.

Tokenizers, file names and every setting of config.json and generation_config.json
that decides how a model is asked are those of the repository that a snapshot names;
only sizes are smaller and the weights random. So they say nothing of quality and
everything of whether a family is fed right. All is seeded.

    folder = build("marian", root)          # tests/models/conftest.py has a fixture
    python tests/zoo/snapshots.py FOLDER    # all of them, to look at
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

from zoo import templates
from zoo.gguf_writing import write_gguf
from zoo.vocabularies import (
    added,
    bytes_bpe,
    gemma_bpe,
    ids_of,
    nllb_bpe,
    pieces,
    unigram,
    write_json,
)

Settings = dict[str, Any]
Files = tuple[Settings, Settings]  # config.json and generation_config.json, {} for no such file


@dataclass(frozen=True)
class Snapshot:
    """One model: what it does, whose files it has, and how its weights lie on disk.

    ``write`` puts the tokenizer's files into a folder and returns the other two. The
    ``seed`` is one with which answers vary with the text, and end early and late.
    """

    role: str
    repository: str
    write: Callable[[Path], Files]
    weights: str = "model.safetensors"
    seed: int = 14


def build(name: str, root: Path) -> Path:
    """Return the folder of a snapshot under ``root``, made if it is not there yet."""
    folder = root / name
    if not folder.exists():
        folder.mkdir(parents=True)
        snapshot = SNAPSHOTS[name]
        config, generation = snapshot.write(folder)
        write_json(folder / "config.json", config)
        if generation:
            write_json(folder / "generation_config.json", generation)
        network = _network(folder, config["architectures"][0], snapshot.seed)
        _save(network, folder, snapshot.weights)
    return folder


def build_gguf(name: str, root: Path) -> Path:
    """Return a folder with a Qwen 2 of the zoo as one GGUF file, exact, and nothing else."""
    folder = root / f"{name}-gguf"
    if not folder.exists():
        folder.mkdir(parents=True)
        write_gguf(build(name, root), folder / f"{name}-F32.gguf")
    return folder


def _network(folder: Path, architecture: str, seed: int) -> torch.nn.Module:
    """A network whose answers depend on what it reads, and end sooner or later."""
    config = hf.AutoConfig.from_pretrained(folder)
    network = getattr(hf, architecture)(config)
    torch.manual_seed(seed)
    centre = -1.0 if config.model_type.startswith("gemma") else 0.0  # Gemma's norms add one
    for name, parameter in network.named_parameters():
        if "embed_positions" in name and getattr(config, "static_position_embeddings", False):
            continue  # sines
        # Wide, so that no two tokens nearly tie. No biases, and norms around zero: otherwise what
        # was read and written would matter less than what is added to it, or than its last token.
        if name.endswith("bias"):
            torch.nn.init.zeros_(parameter)
        elif "norm" in name:
            torch.nn.init.normal_(parameter, mean=centre, std=1.0)
        else:
            torch.nn.init.normal_(parameter, std=0.3)
    if architecture == "BertModel":
        return network.eval()
    ends = config.get_text_config().eos_token_id
    end = ends[-1] if isinstance(ends, list) else ends
    with torch.no_grad():  # an end that stands out now and then
        if hasattr(network, "final_logits_bias"):
            network.final_logits_bias[0, end] = 3.0
        else:
            network.get_output_embeddings().weight[end] *= 2.5
    return network.eval()


def _save(network: torch.nn.Module, folder: Path, weights: str) -> None:
    if weights.endswith(".bin"):
        torch.save(network.state_dict(), folder / weights)
        return
    with tempfile.TemporaryDirectory() as place:
        whole = sum(tensor.nbytes for tensor in network.parameters())
        most = whole // 2 if weights == "sharded" else 2 * whole
        network.save_pretrained(place, max_shard_size=most)
        for path in Path(place).glob("*.safetensors*"):
            path.rename(folder / path.name)


# --- BART and its kin: byte-level BPE, learned positions, <s> forced first ---------------------


def _bart_vocabulary(folder: Path) -> int:
    """Return the number of ids; <mask> has the last."""
    return bytes_bpe(folder, ["<s>", "<pad>", "</s>", "<unk>"], ["<mask>"], "<s> $A </s>")


_SMALL = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "num_hidden_layers": 2,
    "is_encoder_decoder": True,
}
_CNN = {
    "early_stopping": True,
    "length_penalty": 2.0,
    "max_length": 40,  # 142 and 56, at an eighth of the positions
    "min_length": 12,
    "no_repeat_ngram_size": 3,
    "num_beams": 4,
}
_BART_IDS = {
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_bos_token_id": 0,
    "forced_eos_token_id": 2,
}


def _bart_config(vocabulary: int) -> Settings:
    return {
        "architectures": ["BartForConditionalGeneration"],
        "model_type": "bart",
        "activation_function": "gelu",
        "add_final_layer_norm": False,
        "force_bos_token_to_be_generated": True,
        "max_position_embeddings": 128,
        "normalize_before": False,
        "prefix": " ",
        "scale_embedding": False,
        "task_specific_params": {"summarization": _CNN},
        "vocab_size": vocabulary - 1,  # 50264 where the tokenizer has 50265: no row for <mask>
        **_SMALL,
        **_BART_IDS,
        **_CNN,
    }


def bart(folder: Path) -> Files:
    config = _bart_config(_bart_vocabulary(folder))
    return config, {"_from_model_config": True, **_BART_IDS, **_CNN}


def distilbart(folder: Path) -> Files:
    """Twice as many encoder layers as decoder layers; no generation_config.json."""
    config = _bart_config(_bart_vocabulary(folder))
    (folder / "tokenizer.json").unlink()
    write_json(folder / "tokenizer_config.json", {"model_max_length": 1024})
    return {**config, "encoder_layers": 4, "extra_pos_embeddings": 2}, {}


def led(folder: Path) -> Files:
    """Attention in windows, and from and to the first token everywhere."""
    vocabulary = _bart_vocabulary(folder)
    (folder / "tokenizer.json").unlink()
    write_json(
        folder / "tokenizer_config.json",
        {"model_max_length": 16384, "tokenizer_class": "LEDTokenizer"},
    )
    lengths = {"early_stopping": True, "length_penalty": 0.8, "max_length": 40, "min_length": 12}
    config = {
        "architectures": ["LEDForConditionalGeneration"],
        "model_type": "led",
        "attention_window": [16, 16],
        "max_decoder_position_embeddings": 128,
        "max_encoder_position_embeddings": 512,
        "prefix": " ",
        "vocab_size": vocabulary,
        **_SMALL,
        **lengths,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "decoder_start_token_id": 2,
        "no_repeat_ngram_size": 3,
        "num_beams": 4,
    }
    return config, {}


# --- Pegasus: sines for positions, starts from its pad token -----------------------------------


def pegasus(folder: Path) -> Files:
    pieces(
        folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>"
    )  # the tokenizer moves what comes after by 103
    write_json(
        folder / "tokenizer_config.json",
        {"model_max_length": 1024, "tokenizer_class": "PegasusTokenizer"},
    )
    lengths = {"length_penalty": 0.8, "max_length": 40, "min_length": 12, "num_beams": 8}
    ids = {
        "bos_token_id": 0,
        "decoder_start_token_id": 0,
        "eos_token_id": 1,
        "forced_eos_token_id": 1,
        "pad_token_id": 0,
    }
    config = {
        "architectures": ["PegasusForConditionalGeneration"],
        "model_type": "pegasus",
        "activation_function": "relu",
        "add_final_layer_norm": True,
        "extra_pos_embeddings": 1,
        "max_position_embeddings": 128,
        "normalize_before": True,
        "scale_embedding": True,
        "static_position_embeddings": True,
        "vocab_size": len(hf.AutoTokenizer.from_pretrained(folder, config=hf.PegasusConfig())),
        **_SMALL,
        **ids,
        **lengths,
    }
    return config, {"_from_model_config": True, **ids, **lengths}


# --- Marian: one vocabulary over two sentencepiece models, pad is the last id and starts -------


def _marian(folder: Path, told: Settings, first: list[str], end: int, big: bool) -> Files:
    """``end`` is where </s> stands: 0 in the early models, anywhere in the later ones."""
    known = [*pieces(folder / "source.spm"), *pieces(folder / "target.spm")]
    rest = [name for name in dict.fromkeys(known) if name not in {"</s>", "<s>", "<unk>"}]
    names = [*first, "<unk>", *rest]
    names.insert(end, "</s>")
    pad = len(names)
    write_json(
        folder / "vocab.json",
        {name: number for number, name in enumerate([*names, "<pad>"])},
    )
    write_json(folder / "tokenizer_config.json", told)
    ids = {
        "bad_words_ids": [[pad]],
        "bos_token_id": 0,
        "decoder_start_token_id": pad,
        "eos_token_id": end,
        "forced_eos_token_id": end,
        "pad_token_id": pad,
    }
    search = {"max_length": 512, "num_beams": 4}
    config = {
        "architectures": ["MarianMTModel"],
        "model_type": "marian",
        "activation_function": "relu" if big else "swish",
        "decoder_vocab_size": pad + 1,
        "max_position_embeddings": 128 if big else 96,
        "normalize_before": False,
        "normalize_embedding": False,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "static_position_embeddings": True,
        "vocab_size": pad + 1,
        **_SMALL,
        **ids,
        **search,
    }
    return config, {"_from_model_config": True, **ids, **search}


def marian(folder: Path) -> Files:
    return _marian(folder, {"target_lang": "ru", "source_lang": "en"}, [], end=0, big=False)


def marian_zle(folder: Path) -> Files:
    told = {
        "source_lang": "eng",
        "target_lang": "zle",
        "unk_token": "<unk>",
        "eos_token": "</s>",
        "pad_token": "<pad>",
        "model_max_length": 512,
        "sp_model_kwargs": {},
        "separate_vocabs": False,
        "tokenizer_class": "MarianTokenizer",
    }
    targets = [">>bel<<", ">>orv_Cyrl<<", ">>rue<<", ">>rus<<", ">>ukr<<"]
    return _marian(folder, told, targets, end=37, big=True)


# --- Many languages: the target's token is forced first into the output ------------------------


def _many_to_many(model_type: str, architecture: str, vocabulary: int) -> Settings:
    return {
        "architectures": [architecture],
        "model_type": model_type,
        "activation_function": "relu",
        "bos_token_id": 0,
        "decoder_start_token_id": 2,
        "eos_token_id": 2,
        "pad_token_id": 1,
        "max_length": 64,
        "max_position_embeddings": 128,
        "scale_embedding": True,
        "vocab_size": vocabulary,
        **_SMALL,
    }


def m2m_100(folder: Path) -> Files:
    known = dict.fromkeys(
        ["<s>", "<pad>", "</s>", "<unk>", *pieces(folder / "sentencepiece.bpe.model")]
    )
    write_json(folder / "vocab.json", {name: number for number, name in enumerate(known)})
    write_json(
        folder / "tokenizer_config.json",
        {"src_lang": None, "tgt_lang": None, "model_max_length": 1024, "language_codes": "m2m100"},
    )
    languages = len(FAIRSEQ_LANGUAGE_CODES["m2m100"])
    size = len(known) + languages + 8  # made-up words, as fairseq has them
    config = _many_to_many("m2m_100", "M2M100ForConditionalGeneration", size)
    search = {"early_stopping": True, "num_beams": 5}
    ids = {key: config[key] for key in config if key.endswith("_token_id")}
    return {**config, **search}, {"_from_model_config": True, **ids, **search, "max_length": 64}


def nllb(folder: Path) -> Files:
    size = nllb_bpe(folder)
    config = _many_to_many("m2m_100", "M2M100ForConditionalGeneration", size)
    ids = {key: config[key] for key in config if key.endswith("_token_id")}
    return config, {"_from_model_config": True, **ids, "max_length": 64}


def mbart50(folder: Path) -> Files:
    pieces(folder / "sentencepiece.bpe.model")
    write_json(
        folder / "tokenizer_config.json",
        {"src_lang": None, "tgt_lang": None, "language_codes": "ML50", "tokenizer_file": None},
    )
    known = hf.MBart50Tokenizer.from_pretrained(folder)
    config = _many_to_many("mbart", "MBartForConditionalGeneration", len(known))
    search = {"early_stopping": True, "forced_eos_token_id": 2, "num_beams": 5}
    ids = {key: config[key] for key in config if key.endswith("_token_id")}
    return (
        {
            **config,
            **search,
            "add_final_layer_norm": True,
            "normalize_before": True,
            "normalize_embedding": True,
            "static_position_embeddings": False,
            "tokenizer_class": "MBart50Tokenizer",
        },
        {"_from_model_config": True, **ids, **search, "max_length": 64},
    )


# --- T5 and its kin: relative positions, a task in words or a language in the input ------------


def _t5_config(vocabulary: int, **more: Any) -> Settings:
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": "t5",
        "d_ff": 64,
        "d_kv": 16,
        "d_model": 32,
        "decoder_start_token_id": 0,
        "eos_token_id": 1,
        "is_encoder_decoder": True,
        "n_positions": 128,
        "num_decoder_layers": 2,
        "num_heads": 2,
        "num_layers": 2,
        "pad_token_id": 0,
        "relative_attention_max_distance": 24,
        "relative_attention_num_buckets": 8,
        "vocab_size": vocabulary,
        **more,
    }


def t5(folder: Path) -> Files:
    known = pieces(folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
    unigram(folder, known, "<unk>", "</s>")
    write_json(folder / "tokenizer_config.json", {"model_max_length": 512})
    tasks = {
        "summarization": {
            "early_stopping": True,
            "length_penalty": 2.0,
            "max_length": 64,
            "min_length": 12,
            "no_repeat_ngram_size": 3,
            "num_beams": 4,
            "prefix": "summarize: ",
        },
        "translation_en_to_de": {
            "early_stopping": True,
            "max_length": 300,
            "num_beams": 4,
            "prefix": "translate English to German: ",
        },
    }
    padded = len(known) + 128  # 100 sentinels, and rows that no token has
    config = _t5_config(padded, feed_forward_proj="relu", task_specific_params=tasks)
    ids = {key: config[key] for key in config if key.endswith("_token_id")}
    return config, {"_from_model_config": True, **ids}


def madlad(folder: Path) -> Files:
    """<unk> is 0 and starts the output, <s> pads; languages are pieces of the vocabulary."""
    languages = ["<2en>", "<2ru>", "<2uk>", "<2de>"]
    known = pieces(folder / "spiece.model", user_defined_symbols=languages)
    unigram(folder, known, "<unk>", "</s>")
    write_json(
        folder / "tokenizer_config.json",
        {
            "added_tokens_decoder": added({"<unk>": 0, "<s>": 1, "</s>": 2}),
            "additional_special_tokens": [],
            "clean_up_tokenization_spaces": True,
            "eos_token": "</s>",
            "extra_ids": 0,
            "legacy": False,
            "model_max_length": 1000000000000000019884624838656,
            "pad_token": "<s>",
            "sp_model_kwargs": {},
            "tokenizer_class": "T5Tokenizer",
            "unk_token": "<unk>",
        },
    )
    ids = {"decoder_start_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    config = _t5_config(
        len(known) + 24,
        feed_forward_proj="gated-gelu",
        task_specific_params={},
        tie_word_embeddings=False,
    )
    return {**config, **ids}, {"_from_model_config": True, **ids}


def mt5(folder: Path) -> Files:
    """Fine-tuned for summaries in many languages; no tokenizer.json, no generation config."""
    known = pieces(
        folder / "spiece.model", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, byte_fallback=True,
        vocab_size=420,
    )  # fmt: skip
    write_json(
        folder / "tokenizer_config.json",
        {
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "<pad>",
            "extra_ids": 0,
            "additional_special_tokens": None,
            "tokenizer_file": None,
        },
    )
    config = _t5_config(len(known) + 12, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    del config["n_positions"]
    search = {"length_penalty": 0.6, "max_length": 40, "no_repeat_ngram_size": 2, "num_beams": 4}
    mine = {
        "architectures": ["MT5ForConditionalGeneration"],
        "model_type": "mt5",
        "tokenizer_class": "T5Tokenizer",
    }
    return {**config, **search, **mine}, {}


# --- Decoders, instruction-tuned: a chat template, several ways to end -------------------------

_DECODER = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "max_position_embeddings": 768,
}
# Advice on sampling, which svodka does not take.
_SAMPLING = {"do_sample": True, "top_k": 64, "top_p": 0.95}

_GEMMA_NAMED = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
_GEMMA_TURNS = ["<start_of_turn>", "<end_of_turn>"]


def _gemma(folder: Path, more: tuple[str, ...], template: str) -> tuple[Settings, Settings]:
    """Return the text part's config, and what to generate with."""
    vocabulary = gemma_bpe(folder, _GEMMA_NAMED, [*_GEMMA_TURNS, *more])
    every = [*_GEMMA_NAMED, *_GEMMA_TURNS, *more]
    write_json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": True,
            "add_eos_token": False,
            "added_tokens_decoder": added(ids_of(folder, every)),
            "bos_token": "<bos>",
            "clean_up_tokenization_spaces": False,
            "eos_token": "<eos>",
            "model_max_length": 1000000000000000019884624838656,
            "pad_token": "<pad>",
            "spaces_between_special_tokens": False,
            "tokenizer_class": "GemmaTokenizer",
            "unk_token": "<unk>",
            "use_default_system_prompt": False,
        },
    )
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    config = {
        **_DECODER,
        "model_type": "gemma3_text",
        "bos_token_id": 2,
        "eos_token_id": [1, every.index("<end_of_turn>")],
        "pad_token_id": 0,
        "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": 16,
        "rope_local_base_freq": 10000,
        "rope_theta": 1000000,
        "sliding_window": 32,
        "sliding_window_pattern": 2,
        "vocab_size": vocabulary,
    }
    generation = {
        "bos_token_id": 2,
        "cache_implementation": "hybrid",
        "eos_token_id": config["eos_token_id"],
        "pad_token_id": 0,
        **_SAMPLING,
    }
    return config, generation


def gemma3(folder: Path) -> Files:
    config, generation = _gemma(folder, (), templates.GEMMA)
    return {"architectures": ["Gemma3ForCausalLM"], **config}, generation


def translategemma(folder: Path) -> Files:
    """Gemma 3 with eyes: the text model is one part of it, named in ``text_config``."""
    marks = ("<start_of_image>", "<end_of_image>", "<image_soft_token>")
    config, generation = _gemma(folder, marks, templates.TRANSLATE_GEMMA)
    ids = ids_of(folder, marks)
    return (
        {
            "architectures": ["Gemma3ForConditionalGeneration"],
            "model_type": "gemma3",
            "boi_token_index": ids["<start_of_image>"],
            "eoi_token_index": ids["<end_of_image>"],
            "image_token_index": ids["<image_soft_token>"],
            "eos_token_id": config["eos_token_id"],
            "mm_tokens_per_image": 4,
            "text_config": config,
            "vision_config": {
                "hidden_size": 16,
                "image_size": 28,
                "intermediate_size": 32,
                "model_type": "siglip_vision_model",
                "num_attention_heads": 2,
                "num_hidden_layers": 1,
                "patch_size": 7,
                "vision_use_head": False,
            },
        },
        generation,
    )


_CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def _qwen(folder: Path, plain: tuple[str, ...], template: str) -> int:
    """Return the number of ids; ``plain`` are added tokens that are not special."""
    vocabulary = bytes_bpe(folder, [], [*_CHATML, *plain])
    write_json(
        folder / "tokenizer_config.json",
        {
            "add_bos_token": False,
            "add_prefix_space": False,
            "added_tokens_decoder": added(ids_of(folder, [*_CHATML, *plain]), plain),
            "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
            "bos_token": None,
            "chat_template": template,
            "clean_up_tokenization_spaces": False,
            "eos_token": "<|im_end|>",
            "errors": "replace",
            "model_max_length": 131072,
            "pad_token": "<|endoftext|>",
            "split_special_tokens": False,
            "tokenizer_class": "Qwen2Tokenizer",
            "unk_token": None,
        },
    )
    return vocabulary


def _qwen_files(folder: Path, vocabulary: int, **more: Any) -> Files:
    ids = ids_of(folder, _CHATML)
    config = {
        **_DECODER,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "hidden_act": "silu",
        "rope_theta": 1000000.0,
        "tie_word_embeddings": True,
        "use_sliding_window": False,
        "vocab_size": vocabulary + 61,  # rows that no token has
        **more,
    }
    generation = {
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
        "pad_token_id": ids["<|endoftext|>"],
        **_SAMPLING,
        "temperature": 0.7,
    }
    return config, generation


def qwen2(folder: Path) -> Files:
    vocabulary = _qwen(folder, (), templates.QWEN2)
    mine = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}
    config, generation = _qwen_files(folder, vocabulary, **mine)
    del config["head_dim"]
    return config, {**generation, "repetition_penalty": 1.1}


def qwen3(folder: Path) -> Files:
    vocabulary = _qwen(folder, ("<think>", "</think>"), templates.QWEN3)
    mine = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "attention_bias": False,
    }
    return _qwen_files(folder, vocabulary, **mine)


def llama(folder: Path) -> Files:
    """No pad token at all; three ways to end; the prompt would hold today's date."""
    marks = [
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|start_header_id|>",
        "<|end_header_id|>",
        "<|eom_id|>",
        "<|eot_id|>",
    ]
    vocabulary = bytes_bpe(folder, [], marks, "<|begin_of_text|> $A")
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").unlink()
    ids = ids_of(folder, marks)
    write_json(
        folder / "tokenizer_config.json",
        {
            "added_tokens_decoder": added(ids),
            "bos_token": "<|begin_of_text|>",
            "chat_template": templates.LLAMA3,
            "clean_up_tokenization_spaces": True,
            "eos_token": "<|eot_id|>",
            "model_input_names": ["input_ids", "attention_mask"],
            "model_max_length": 131072,
            "tokenizer_class": "PreTrainedTokenizerFast",
        },
    )
    ends = [ids["<|end_of_text|>"], ids["<|eom_id|>"], ids["<|eot_id|>"]]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **_DECODER,
        "bos_token_id": ids["<|begin_of_text|>"],
        "eos_token_id": ends,
        "rope_scaling": {
            "factor": 32.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 512,
            "rope_type": "llama3",
        },
        "rope_theta": 500000.0,
        "tie_word_embeddings": True,
        "vocab_size": vocabulary,
    }
    generation = {
        "bos_token_id": ids["<|begin_of_text|>"],
        "eos_token_id": ends,
        **_SAMPLING,
        "temperature": 0.6,
    }
    return config, generation


# --- Sentence encoder --------------------------------------------------------------------------


def bert(folder: Path) -> Files:
    vocabulary = bytes_bpe(folder, ["[PAD]", "[CLS]", "[SEP]", "[UNK]"], [], "[CLS] $A [SEP]")
    write_json(
        folder / "tokenizer_config.json",
        {
            "cls_token": "[CLS]",
            "model_max_length": 512,
            "pad_token": "[PAD]",
            "sep_token": "[SEP]",
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": "[UNK]",
        },
    )
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 48})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": 32,
        "intermediate_size": 64,
        "max_position_embeddings": 96,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "pad_token_id": 0,
        "vocab_size": vocabulary,
    }
    return config, {}


_S, _T = "summarizer", "translator"
_BIN, _SHARDED = "pytorch_model.bin", "sharded"

SNAPSHOTS = {
    "bart": Snapshot(_S, "facebook/bart-large-cnn", bart),
    "distilbart": Snapshot(_S, "sshleifer/distilbart-cnn-12-6", distilbart, _BIN),
    "led": Snapshot(_S, "allenai/led-large-16384", led, seed=11),
    "pegasus": Snapshot(_S, "google/pegasus-cnn_dailymail", pegasus, seed=11),
    "marian": Snapshot(_T, "Helsinki-NLP/opus-mt-en-ru", marian, seed=11),
    "marian_zle": Snapshot(_T, "Helsinki-NLP/opus-mt-tc-big-en-zle", marian_zle, _BIN),
    "m2m_100": Snapshot(_T, "facebook/m2m100_418M", m2m_100, seed=11),
    "nllb": Snapshot(_T, "facebook/nllb-200-distilled-600M", nllb, seed=12),
    "mbart50": Snapshot(_T, "facebook/mbart-large-50-many-to-many-mmt", mbart50, seed=12),
    "t5": Snapshot(_S, "google-t5/t5-small", t5),
    "madlad": Snapshot(_T, "google/madlad400-3b-mt", madlad, seed=12),
    "mt5": Snapshot(_S, "csebuetnlp/mT5_multilingual_XLSum", mt5, _BIN, seed=11),
    "gemma3": Snapshot(_T, "google/gemma-3-1b-it", gemma3, seed=12),
    "translategemma": Snapshot(_T, "google/translategemma-4b-it", translategemma, _SHARDED),
    "qwen2": Snapshot(_T, "Qwen/Qwen2.5-1.5B-Instruct", qwen2),
    "qwen3": Snapshot(_T, "Qwen/Qwen3-1.7B", qwen3, seed=11),
    "llama": Snapshot(_T, "meta-llama/Llama-3.2-1B-Instruct", llama, seed=13),
    "bert": Snapshot(_S, "sentence-transformers/all-MiniLM-L6-v2", bert),
}

if __name__ == "__main__":
    for each in SNAPSHOTS:
        print(build(each, Path(sys.argv[1])))
