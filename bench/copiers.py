"""Two models of real sizes whose answers are as long as real ones, built without training.

Random weights write to their bound or stop at once; a benchmark of batching needs lengths that
follow the input. So the weights are constructed: attention by position alone picks the input's
token at the output's place, and the output layer writes it.

- ``translator``: a Marian of opus-mt's shape. It writes each piece of the English in Cyrillic
  letters, numbers and punctuation as they are, so what the service checks in a translation is
  there to be found.
- ``summarizer``: a BART of distilbart-cnn-6-6's shape. It repeats the beginning of the article
  up to the first end of a sentence after ``LEAST`` tokens.

Every matrix has its full size and is multiplied in full; that most of its numbers are zero
makes nothing faster. They know nothing, and say nothing about quality.

    python -m bench.copiers FOLDER --sentences FILE --articles FILE.jsonl [--small] [--beams 4]

``--small`` has one layer where the real one has six and a vocabulary of 8,000, for quick runs.
"""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import sentencepiece
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    GenerationConfig,
    MarianConfig,
    MarianMTModel,
    MarianTokenizer,
    PreTrainedTokenizerFast,
)

LEAST, MOST = 45, 142  # tokens of a summary: before it may end, and in all
ENDING = re.compile(r"Ġ?[^\w\s]*[.!?]\W*")  # of a sentence, among the summarizer's pieces
CODE = 256  # dimensions that say which token it is, in four heads of 64
HEAD = 64
BARRED = -100.0  # the bias of what is never written
# A gap between the right place and its neighbours that softmax turns into certainty, while the
# farthest place still has a weight above the smallest normal float32: denormals are slow.
SHARPNESS = 1.5

LETTERS = {
    "th": "т", "ch": "ч", "sh": "ш", "ph": "ф", "a": "а", "b": "б", "c": "к", "d": "д", "e": "е",
    "f": "ф", "g": "г", "h": "х", "i": "и", "j": "дж", "k": "к", "l": "л", "m": "м", "n": "н",
    "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "в",
    "x": "кс", "y": "й", "z": "з",
}  # fmt: skip
# What the checks of a translation look for by meaning rather than by sound.
WORDS = {
    "not": "не", "no": "не", "never": "никогда", "without": "без", "nothing": "ничего",
    "Monday": "понедельник", "Tuesday": "вторник", "Wednesday": "среда", "Thursday": "четверг",
    "Friday": "пятница", "Saturday": "суббота", "Sunday": "воскресенье", "January": "января",
    "February": "февраля", "March": "марта", "April": "апреля", "June": "июня", "July": "июля",
    "August": "августа", "September": "сентября", "October": "октября", "November": "ноября",
    "December": "декабря", "million": "миллион", "billion": "миллиард", "hundred": "сто",
    "thousand": "тысяча", "one": "один", "two": "два", "three": "три", "four": "четыре",
    "five": "пять", "six": "шесть", "seven": "семь", "eight": "восемь", "nine": "девять",
    "ten": "десять",
}  # fmt: skip


def main() -> None:
    """Build both into a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sentences", type=Path, required=True, help="English, a line each")
    parser.add_argument("--articles", type=Path, required=True, help="JSON lines with `article`")
    parser.add_argument("--small", action="store_true", help="one layer, small vocabularies")
    parser.add_argument("--beams", type=int, default=4, help="of both searches")
    given = parser.parse_args()
    sentences = given.sentences.read_text("utf-8").splitlines()
    articles = [json.loads(line)["article"] for line in given.articles.open(encoding="utf-8")]
    build(given.folder, sentences, articles, small=given.small, beams=given.beams)


def build(
    folder: Path, sentences: Sequence[str], articles: Sequence[str], *, small: bool, beams: int
) -> tuple[Path, Path]:
    """Write summarizer and translator, if they are not there yet; return their folders."""
    summarizer, translator = folder / "summarizer", folder / "translator"
    layers = 1 if small else 6
    if not (summarizer / "config.json").exists():
        _summarizer(summarizer, articles, layers, 8_000 if small else 50_264, beams)
    if not (translator / "config.json").exists():
        _translator(translator, [*sentences, *articles], layers, 8_000 if small else 62_518, beams)
    return summarizer, translator


# The translator.


def _translator(
    folder: Path, texts: Sequence[str], layers: int, vocabulary: int, beams: int
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for text in texts for line in re.split(r"(?<=[.!?]) ", text)]
    pieces = _pieces(folder / "source.spm", lines, min(16_000, vocabulary // 4))
    russian = [_russian(piece) for piece in pieces]
    # The target's own model only joins pieces, so any that knows the symbols will do.
    (folder / "target.spm").write_bytes((folder / "source.spm").read_bytes())
    names = dict.fromkeys(["</s>", "<unk>", *pieces, *russian])
    names |= dict.fromkeys(f"<filler{n}>" for n in range(vocabulary - 1 - len(names)))
    ids = {name: number for number, name in enumerate(names)}
    ids["<pad>"] = pad = len(ids)
    (folder / "vocab.json").write_text(json.dumps(ids, ensure_ascii=False), "utf-8")
    MarianTokenizer(
        str(folder / "source.spm"), str(folder / "target.spm"), str(folder / "vocab.json")
    ).save_pretrained(folder)
    config = MarianConfig(
        vocab_size=len(ids),
        d_model=512,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=8,
        decoder_attention_heads=8,
        encoder_ffn_dim=2048,
        decoder_ffn_dim=2048,
        max_position_embeddings=512,
        activation_function="swish",
        scale_embedding=True,
        static_position_embeddings=True,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        forced_eos_token_id=None,
        num_beams=beams,
    )
    model = MarianMTModel(config)
    _silence(model)
    # transformers lays sines in the first half of the dimensions and cosines in the second, the
    # fast ones first: these say where, and the slow ones, which hardly move, say what.
    place = torch.cat([torch.arange(32), torch.arange(256, 288)])
    what = torch.cat([torch.arange(128, 256), torch.arange(384, 512)])
    targets = {0: 0, 1: 1} | {ids[a]: ids[b] for a, b in zip(pieces, russian, strict=True)}
    with torch.no_grad():
        _write_codes(model.model.shared.weight, targets, what, 2.0 / config.d_model**0.5)
        model.final_logits_bias.fill_(BARRED)
        model.final_logits_bias[0, sorted(set(targets.values()))] = 0.0
        # A code of size 2 and a pair of sine and cosine for every other two dimensions.
        variance = (4 * CODE + config.d_model / 2) / config.d_model
        attention = model.model.decoder.layers[0].encoder_attn
        _attend(attention, place, what, variance)
        # A layer norm takes the mean of all dimensions away, which differs from place to place.
        # The slowest sines are near zero and the codes there balanced: what they average is it.
        for projection in (attention.q_proj, attention.k_proj):
            looking = projection.weight[:CODE, place].sum(1, keepdim=True)
            projection.weight[:CODE, what[HEAD : 2 * HEAD]] = -looking / HEAD
    model.generation_config = GenerationConfig(
        num_beams=beams,
        max_length=512,
        pad_token_id=pad,
        eos_token_id=0,
        decoder_start_token_id=pad,
        bad_words_ids=[[pad]],
    )
    model.save_pretrained(folder)


def _pieces(path: Path, lines: Sequence[str], size: int) -> list[str]:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=size,
        hard_vocab_limit=False,
        character_coverage=1.0,
        input_sentence_size=20_000,
        normalization_rule_name="nmt_nfkc",
        num_threads=2,
        minloglevel=2,
    )
    path.write_bytes(model.getvalue())
    trained = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    known = [trained.id_to_piece(number) for number in range(len(trained))]
    return [piece for piece in known if piece not in ("<unk>", "<s>", "</s>")]


def _russian(piece: str) -> str:
    """An English piece in Cyrillic; what is no letter stays."""
    blank, word = ("▁", piece[1:]) if piece.startswith("▁") else ("", piece)
    if blank and word in WORDS:
        return blank + WORDS[word]
    return blank + re.sub("[tcsp]h|[a-z]", _letter, word, flags=re.IGNORECASE)


def _letter(match: re.Match[str]) -> str:
    russian = LETTERS[match[0].lower()]
    return russian.capitalize() if match[0][0].isupper() else russian


def translated(folder: Path, text: str) -> str:
    """What the translator in a folder writes, known without computing it."""
    pieces = _loaded_pieces(folder).encode(text, out_type=str)
    return "".join(map(_russian, pieces)).replace("▁", " ").strip()


@cache
def _loaded_pieces(folder: Path) -> sentencepiece.SentencePieceProcessor:
    return sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))


# The summarizer.


def _summarizer(
    folder: Path, articles: Sequence[str], layers: int, vocabulary: int, beams: int
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _byte_pairs(articles, vocabulary)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=1024,
    ).save_pretrained(folder)
    config = BartConfig(
        vocab_size=vocabulary,
        d_model=1024,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=16,
        decoder_attention_heads=16,
        encoder_ffn_dim=4096,
        decoder_ffn_dim=4096,
        max_position_embeddings=1024,
        forced_bos_token_id=0,
        forced_eos_token_id=None,
        num_beams=beams,
    )
    model = BartForConditionalGeneration(config)
    _silence(model)
    place = torch.arange(2 * HEAD)
    what = torch.arange(2 * HEAD, 2 * HEAD + CODE)
    ending, late = int(what[-1]) + 1, int(what[-1]) + 3  # and a counterweight beside each
    words = {name: number for name, number in tokenizer.get_vocab().items() if number < vocabulary}
    ends = [number for name, number in words.items() if ENDING.fullmatch(name)]
    small = 0.05  # the first layer norm makes it 1
    with torch.no_grad():
        shared = model.model.shared.weight
        _write_codes(shared, {n: n for n in words.values()}, what, small)
        shared[ends, ending], shared[ends, ending + 1] = 2 * small, -2 * small
        model.final_logits_bias.fill_(BARRED)
        model.final_logits_bias[0, sorted(words.values())] = 0.0
        model.final_logits_bias[0, [1, 3]] = BARRED
        for side in (model.model.encoder, model.model.decoder):
            places = side.embed_positions.weight
            places.zero_()
            where = _places(len(places)) * small
            places[:, place] = torch.cat([where, -where], 1)  # so that their mean is zero
        at_least = model.model.decoder.embed_positions.weight[2 + LEAST :]
        at_least[:, late], at_least[:, late + 1] = 2 * small, -2 * small
        first = model.model.decoder.layers[0]
        _attend(first.encoder_attn, place[:HEAD], what, (CODE + HEAD) / config.d_model)
        _stop(first, (ending, late), shared[2, what] / small, what)
    model.generation_config = GenerationConfig(
        num_beams=beams,
        max_length=MOST,
        bos_token_id=0,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=2,
        forced_bos_token_id=0,
    )
    model.save_pretrained(folder)


def summarized(folder: Path, text: str) -> str:
    """What the summarizer in a folder writes, likewise."""
    tokenizer = _loaded_tokenizer(folder)
    written = tokenizer.encode(text, add_special_tokens=False)
    names = enumerate(written.tokens[LEAST:], LEAST + 1)
    most = next((count for count, name in names if ENDING.fullmatch(name)), MOST)
    return tokenizer.decode(written.ids[:most])


@cache
def _loaded_tokenizer(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


def _byte_pairs(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def _places(count: int) -> torch.Tensor:
    """Sines and cosines (count, HEAD): near each other for no two places."""
    waves = 0.05 + 3 * torch.rand(HEAD // 2, generator=torch.Generator().manual_seed(5))
    angles = torch.arange(count).unsqueeze(1) * waves
    return torch.cat([angles.sin(), angles.cos()], 1)


def _stop(layer: torch.nn.Module, flags: tuple[int, int], end: torch.Tensor, what: torch.Tensor):
    """After a sentence's end that is late enough, overwrite what comes next with the end mark.

    Behind the attention the code is scaled to about 2 and a flag to about 0.45; one flag is
    below the threshold and two are above.
    """
    layer.fc1.weight[0, list(flags)] = 40.0
    layer.fc1.bias[0] = -40.0 * 0.68
    layer.fc2.weight[what, 0] = 4.0 * end


# What both have in common.


def _silence(model: torch.nn.Module) -> None:
    """All weights zero, but the layer norms' own: each layer passes on what it gets."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" not in name and "embed_positions" not in name:
                parameter.zero_()


def _write_codes(
    table: torch.Tensor, targets: dict[int, int], what: torch.Tensor, size: float
) -> None:
    """Give each target a code of ±``size``, balanced in each head, and each source its target's."""
    random = torch.Generator().manual_seed(7)
    signs = torch.tensor([size, -size]).repeat(HEAD // 2)
    codes: dict[int, torch.Tensor] = {}
    for source, target in targets.items():
        if target not in codes:
            shuffles = [torch.randperm(HEAD, generator=random) for _ in range(CODE // HEAD)]
            codes[target] = torch.cat([signs[shuffle] for shuffle in shuffles])
        table[source, what] = table[target, what] = codes[target]


def _attend(
    attention: torch.nn.Module, place: torch.Tensor, what: torch.Tensor, variance: float
) -> None:
    """Four heads look at their own place and bring its code; the others bring nothing.

    ``variance`` is what the layer norms before it have divided by.
    """
    for head in range(CODE // HEAD):
        rows = torch.arange(head * HEAD, (head + 1) * HEAD)
        codes = what[rows]
        # The scores are divided by √HEAD.
        attention.q_proj.weight[rows, place] = SHARPNESS * variance * HEAD**0.5
        attention.k_proj.weight[rows, place] = 1.0
        attention.v_proj.weight[rows, codes] = 1.0
        attention.out_proj.weight[codes, rows] = 8.0  # far above what was there before


if __name__ == "__main__":
    main()
