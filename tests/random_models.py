"""Tiny models with random weights, one per architecture, in the form the hub has them.

They know nothing; they are there to be fed. Tokenizers are trained on the lines below, so
English and Russian fall into pieces. Everything is seeded.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import sentencepiece
import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

LINES = [
    "The president said on Monday that talks would go on.",
    "Heavy rain closed two roads near the coast, and more is expected.",
    "Prices rose by 3.5 per cent in May, the bank's report says.",
    'Officials in Geneva called the plan "a first step" and asked for time.',
    "Президент заявил в понедельник, что переговоры продолжатся.",
    "Из-за сильного дождя закрыты две дороги у побережья.",
    "Цены в мае выросли на 3,5 процента, говорится в отчёте банка.",
    "В Женеве назвали план первым шагом и попросили времени.",
]

CHAT = (
    "{{ bos_token }}{% for message in messages %}<|turn|>{{ message['role'] }}\n"
    "{{ message['content'] | trim }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>model\n{% endif %}"
)


def byte_pairs(special: list[str], template: str) -> Tokenizer:
    """A byte-level BPE, as BART, Qwen and Llama 3 have."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        LINES,
        trainers.BpeTrainer(
            vocab_size=500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    _surround(tokenizer, template)
    return tokenizer


def unigram(special: list[str], template: str) -> Tokenizer:
    """A Unigram over ▁words, as T5 has."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        LINES,
        trainers.UnigramTrainer(
            vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False
        ),
    )
    _surround(tokenizer, template)
    return tokenizer


def _surround(tokenizer: Tokenizer, template: str) -> None:
    names = [name for name in template.split() if name != "$A"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=template, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names]
    )


def pieces(path: Path) -> list[str]:
    """Train a sentencepiece model, write it, and return its pieces."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=model,
        vocab_size=110,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.id_to_piece(number) for number in range(len(processor))]


def bart(folder: Path) -> None:
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=byte_pairs(["<s>", "<pad>", "</s>", "<unk>"], "<s> $A </s>"),
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    config = hf.BartConfig(
        forced_eos_token_id=None,
        vocab_size=len(tokenizer),
        max_position_embeddings=96,
        forced_bos_token_id=0,
        **_SMALL,
    )
    _save(folder, hf.BartForConditionalGeneration(config), tokenizer)


def t5(folder: Path, special: tuple[str, ...] = ()) -> None:
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=unigram(["<pad>", "</s>", "<unk>", *special], "$A </s>"),
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
    )
    config = hf.T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        n_positions=96,
        decoder_start_token_id=0,
        tie_word_embeddings=False,
    )
    _save(folder, hf.T5ForConditionalGeneration(config), tokenizer)


def madlad(folder: Path) -> None:
    t5(folder, special=("<2ru>", "<2en>"))


def marian(folder: Path, languages: tuple[str, ...] = ()) -> None:
    folder.mkdir()
    known = [*pieces(folder / "source.spm"), *pieces(folder / "target.spm")]
    names = dict.fromkeys(["</s>", "<unk>", *languages, *known, "<pad>"])
    (folder / "vocab.json").write_text(json.dumps({name: id_ for id_, name in enumerate(names)}))
    tokenizer = hf.MarianTokenizer(
        str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json")
    )
    pad = len(names) - 1
    config = hf.MarianConfig(
        vocab_size=len(names),
        max_position_embeddings=96,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=None,
        **_SMALL,
    )
    model = hf.MarianMTModel(config)
    model.generation_config.bad_words_ids = [[pad]]
    _save(folder, model, tokenizer)


def marian_zle(folder: Path) -> None:
    marian(folder, (">>rus<<", ">>ukr<<"))


def m2m_100(folder: Path) -> None:
    folder.mkdir()
    known = dict.fromkeys(["<s>", "<pad>", "</s>", "<unk>", *pieces(folder / "spm.model")])
    (folder / "vocab.json").write_text(json.dumps({name: id_ for id_, name in enumerate(known)}))
    tokenizer = hf.M2M100Tokenizer(str(folder / "vocab.json"), str(folder / "spm.model"))
    _save(folder, _m2m_100(len(known) + 108), tokenizer)  # 100 languages, 8 more


def nllb(folder: Path) -> None:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    trained.train_from_iterator(
        LINES,
        trainers.BpeTrainer(vocab_size=300, special_tokens=special, show_progress=False),
    )
    content = json.loads(trained.to_str())["model"]
    tokenizer = hf.NllbTokenizer(
        vocab=content["vocab"], merges=[tuple(pair) for pair in content["merges"]]
    )
    _save(folder, _m2m_100(len(tokenizer)), tokenizer)


def _m2m_100(vocab_size: int) -> torch.nn.Module:
    config = hf.M2M100Config(
        vocab_size=vocab_size, max_position_embeddings=96, decoder_start_token_id=2, **_SMALL
    )
    return hf.M2M100ForConditionalGeneration(config)


def _chat(config: Callable[..., hf.PreTrainedConfig], **more: object) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        special = ["<pad>", "<eos>", "<bos>", "<unk>", "<|turn|>", "<|end|>"]
        tokenizer = hf.PreTrainedTokenizerFast(
            tokenizer_object=byte_pairs(special, "<bos> $A"),
            pad_token="<pad>",
            eos_token="<eos>",
            bos_token="<bos>",
            unk_token="<unk>",
            additional_special_tokens=["<|turn|>", "<|end|>"],
        )
        tokenizer.chat_template = CHAT
        settings = config(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=512,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=2,
            **more,
        )
        model = hf.AutoModelForCausalLM.from_config(settings)
        # Like the real ones: two ways to end, and advice on sampling that must not be taken.
        model.generation_config.update(
            eos_token_id=[1, 5], do_sample=True, temperature=0.6, top_k=20, top_p=0.95
        )
        _save(folder, model, tokenizer)

    return make


def bert(folder: Path) -> None:
    tokenizer = hf.PreTrainedTokenizerFast(
        tokenizer_object=byte_pairs(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], "[CLS] $A [SEP]"),
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        unk_token="[UNK]",
    )
    config = hf.BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=96,
    )
    _save(folder, hf.BertModel(config), tokenizer)
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 48}')


_SMALL = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}


def _save(folder: Path, model: torch.nn.Module, tokenizer: object) -> None:
    torch.manual_seed(11)
    for parameter in model.parameters():  # larger than usual, so that nothing is a near tie
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


MAKERS: dict[str, Callable[[Path], None]] = {
    "bart": bart,
    "t5": t5,
    "madlad": madlad,
    "marian": marian,
    "marian_zle": marian_zle,
    "m2m_100": m2m_100,
    "nllb": nllb,
    "gemma3": _chat(hf.Gemma3TextConfig, head_dim=16, sliding_window=32),
    "qwen2": _chat(hf.Qwen2Config),
    "llama": _chat(hf.LlamaConfig),
    "bert": bert,
}
