"""What the checks find: faults planted into human translations, and false alarms on them.

    python bench/verification.py --source news.en --reference news.ru [--lines 1000:2000]

Both files hold one sentence a line. Each fault is planted into every translation that
can bear it, by a generator with a fixed seed; a check has found it if it reports its
kind of fault. A false alarm is a fault of that kind reported on a translation as it
was. Brackets hold the 95 % confidence interval (Wilson). Human translations have
faults of their own (numbers lost, sentences left without a full stop), and count as false
alarms all the same; ``--show NUMBERS`` prints them for reading.
"""

from __future__ import annotations

import argparse
import math
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymorphy3

from service.schema import FindingKind as Kind
from service.verification import check_sentence

Pair = tuple[str, str]
Plant = Callable[[str, str, random.Random, Sequence[str]], Pair | None]

_NUMBER = re.compile(r"[0-9]+")
_DIGIT = re.compile(r"[0-9]")
_NAME = re.compile(r"(?<=[а-яё,] )[А-ЯЁ][а-яё]{3,}")
_NEGATION = re.compile(r"\b(?:[Нн]е|[Нн]и|[Нн]ет|[Бб]ез)\s+")
_ENGLISH_NEGATION = re.compile(r"\b(?:not|never|no|without|cannot)\b|n['’]t\b")
_SCALE = re.compile(r"\b(млн|млрд|миллион|миллиард|тыс|тысяч)(?=\b|\.|\w{1,3}\b)")
_OTHER_SCALE = {
    "млн": "млрд",
    "млрд": "млн",
    "миллион": "миллиард",
    "миллиард": "миллион",
    "тыс": "млн",
    "тысяч": "миллион",
}
_DAYS = ("понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье")
_DAY = re.compile(rf"\b(?:{'|'.join(_DAYS)})\b")
_QUOTE = re.compile(r"[«»]")
_PLACEHOLDERS = (
    "https://example.org/a?b=1",
    "www.example.com",
    "press@example.org",
    "@newsdesk",
    "#MeToo",
    "{0}",
    "${name}",
    "%s",
    "<b>",
    "&nbsp;",
)


def number_changed(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """One number, another one with as many digits."""
    numbers = list(_NUMBER.finditer(ru))
    if not numbers or not _DIGIT.search(en):
        return None
    number = rng.choice(numbers)
    digits = list(number[0])
    place = rng.randrange(len(digits))
    digits[place] = rng.choice([d for d in "123456789" if d != digits[place]])
    return en, ru[: number.start()] + "".join(digits) + ru[number.end() :]


def scale_changed(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """Millions for billions and the like, beside a number in digits."""
    found = [m for m in _SCALE.finditer(ru) if re.search(r"[0-9][ \u00a0]\Z", ru[: m.start()])]
    if not found or not _DIGIT.search(en):
        return None
    scale = rng.choice(found)
    return en, ru[: scale.start()] + _OTHER_SCALE[scale[1]] + ru[scale.end() :]


def day_changed(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """Another day of the week."""
    found = list(_DAY.finditer(ru))
    if not found:
        return None
    day = rng.choice(found)
    other = rng.choice([d for d in _DAYS if d not in ru])
    return en, ru[: day.start()] + other + ru[day.end() :]


def quotation_mark_lost(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """One of two marks."""
    found = list(_QUOTE.finditer(ru))
    if len(found) < 2 or ru.count("«") != ru.count("»"):
        return None
    mark = rng.choice(found)
    return en, ru[: mark.start()] + ru[mark.end() :]


def name_swapped(en: str, ru: str, rng: random.Random, names: Sequence[str]) -> Pair | None:
    """One name inside the sentence, another from elsewhere in the file."""
    found = [m for m in _NAME.finditer(ru) if m[0] in names]
    if not found:
        return None
    name = rng.choice(found)
    other = rng.choice(names)
    if other[:3] in ru or other[:3] == name[0][:3]:
        return None
    return en, ru[: name.start()] + other + ru[name.end() :]


def half_dropped(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """The second half of the words; in every other case the full stop stays."""
    words = ru.split()
    if len(words) < 8:
        return None
    return en, " ".join(words[: len(words) // 2]).rstrip(",;:-– ") + rng.choice(["", "."])


def sentence_dropped(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """The source says one sentence more, about as long."""
    words = en.split()
    if len(words) < 6:
        return None
    return f"{en} {' '.join(rng.sample(words, len(words)))}", ru


def negation_removed(en: str, ru: str, _: random.Random, __: Sequence[str]) -> Pair | None:
    """Every standing negation of a sentence whose source has one."""
    if not _ENGLISH_NEGATION.search(en) or not _NEGATION.search(ru):
        return None
    return en, _NEGATION.sub("", ru)


def loop_inserted(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """One to five words said three to six times in all."""
    words = ru.split()
    if len(words) < 3:
        return None
    size = rng.randint(1, min(5, len(words)))
    start = rng.randint(0, len(words) - size)
    loop = words[start : start + size] * rng.randint(2, 5)
    return en, " ".join(words[: start + size] + loop + words[start + size :])


def placeholder_kept(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """No fault: a placeholder at a place of its own in both."""
    text = rng.choice(_PLACEHOLDERS)
    return _inserted(en, text, rng), _inserted(ru, text, rng)


def placeholder_broken(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """A placeholder that lost, doubled or changed a character, or is gone."""
    text = rng.choice(_PLACEHOLDERS)
    place = rng.randrange(len(text))
    broken = rng.choice(
        [
            "",
            text[:place] + text[place + 1 :],
            text[:place] + " " + text[place:] if place else text[1:],
            text[:place] + "я" + text[place + 1 :],
        ]
    )
    return _inserted(en, text, rng), _inserted(ru, broken, rng)


def residue_left(en: str, ru: str, rng: random.Random, _: Sequence[str]) -> Pair | None:
    """Two to six words of the source where as many of the translation stood."""
    source, target = en.split(), ru.split()
    size = rng.randint(2, 6)
    runs = [source[i : i + size] for i in range(len(source) - size + 1)]
    runs = [run for run in runs if sum(w.isalpha() and w.islower() for w in run) >= 2]
    if not runs or len(target) <= size:
        return None
    start = rng.randint(0, len(target) - size)
    return en, " ".join(target[:start] + rng.choice(runs) + target[start + size :])


def _inserted(text: str, piece: str, rng: random.Random) -> str:
    words = text.split()
    place = rng.randint(0, len(words))
    return " ".join(filter(None, [*words[:place], piece, *words[place:]]))


@dataclass(frozen=True)
class Row:
    """One line of the table: a fault, the checks that may find it, and what the
    untouched pairs are (those that hold digits, for numbers).
    """

    name: str
    plant: Plant
    kinds: frozenset[Kind]
    intact: Plant = lambda en, ru, rng, names: (en, ru)


def _with_digits(en: str, ru: str, _: random.Random, __: Sequence[str]) -> Pair | None:
    return (en, ru) if _DIGIT.search(en) else None


def _with_day(en: str, ru: str, _: random.Random, __: Sequence[str]) -> Pair | None:
    return (en, ru) if _DAY.search(ru) else None


def _with_names(en: str, ru: str, _: random.Random, names: Sequence[str]) -> Pair | None:
    return (en, ru) if any(m[0] in names for m in _NAME.finditer(ru)) else None


def _with_negation(en: str, ru: str, _: random.Random, __: Sequence[str]) -> Pair | None:
    return (en, ru) if _ENGLISH_NEGATION.search(en) else None


ROWS = (
    Row("number changed", number_changed, frozenset({Kind.NUMBERS}), _with_digits),
    Row("scale changed", scale_changed, frozenset({Kind.NUMBERS}), _with_digits),
    Row("day of week changed", day_changed, frozenset({Kind.NUMBERS}), _with_day),
    Row("name swapped", name_swapped, frozenset({Kind.NAMES}), _with_names),
    Row("half dropped", half_dropped, frozenset({Kind.LENGTH_RATIO, Kind.TRUNCATED})),
    Row("sentence dropped", sentence_dropped, frozenset({Kind.LENGTH_RATIO})),
    Row("negation removed", negation_removed, frozenset({Kind.NEGATION}), _with_negation),
    Row("quotation mark lost", quotation_mark_lost, frozenset({Kind.QUOTES})),
    Row("loop inserted", loop_inserted, frozenset({Kind.REPETITION})),
    Row("placeholder broken", placeholder_broken, frozenset({Kind.PLACEHOLDERS}), placeholder_kept),
    Row("English residue left", residue_left, frozenset({Kind.SCRIPT})),
)


def names_of(translations: Sequence[str]) -> list[str]:
    """Words capitalised inside sentences that the dictionary knows as nothing but the
    name of a person or place, or does not know.
    """
    dictionary = pymorphy3.MorphAnalyzer()
    found = {match[0] for ru in translations for match in _NAME.finditer(ru)}
    return sorted(
        word
        for word in found
        if not dictionary.word_is_known(word.casefold())
        or all({"Name", "Surn", "Geox"} & parse.tag.grammemes for parse in dictionary.parse(word))
    )


def interval(found: int, of: int) -> str:
    """``97.5 % [96.1, 98.4]  975/1000`` (Wilson, 1927)."""
    if not of:
        return "none"
    z, share = 1.96, found / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    spread = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    low, high = 100 * max(0.0, middle - spread), 100 * min(1.0, middle + spread)
    return f"{100 * share:5.1f} % [{low:.1f}, {high:.1f}]  {found}/{of}"


def reported(pairs: Sequence[Pair], kinds: frozenset[Kind]) -> list[bool]:
    """For each pair, whether a fault of these kinds is reported."""
    return [any(fault.kind in kinds for fault in check_sentence(*pair)) for pair in pairs]


def main() -> None:
    """Read, plant, check, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--source", type=Path, required=True, help="English sentences")
    parser.add_argument("--reference", type=Path, required=True, help="their human translations")
    parser.add_argument("--lines", default="", help="only these, such as 1000:2000")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", default="", help="print false alarms of this kind")
    parser.add_argument("--missed", default="", help="print faults missed in this row")
    arguments = parser.parse_args()
    first, _, last = arguments.lines.partition(":")
    part = slice(int(first or 0), int(last) if last else None)
    sides = (
        path.read_text("utf-8").splitlines() for path in (arguments.source, arguments.reference)
    )
    pairs = list(zip(*sides, strict=True))[part]
    names = names_of([ru for _, ru in pairs])
    print(f"{len(pairs)} sentence pairs, seed {arguments.seed}\n")
    print(f"{'fault':22}{'found':36}false alarms")
    for row in ROWS:
        rng = random.Random(arguments.seed)
        planted = [p for en, ru in pairs if (p := row.plant(en, ru, rng, names))]
        intact = [p for en, ru in pairs if (p := row.intact(en, ru, rng, names))]
        hits, alarms = reported(planted, row.kinds), reported(intact, row.kinds)
        print(
            f"{row.name:22}{interval(sum(hits), len(hits)):36}{interval(sum(alarms), len(alarms))}"
        )
        if row.name == arguments.missed:
            for pair in (pair for pair, hit in zip(planted, hits, strict=True) if not hit):
                print("   ", *pair, sep="\n    ")
    start = time.process_time()
    faults = [fault for pair in pairs for fault in check_sentence(*pair)]
    each = 1000 * (time.process_time() - start) / max(1, len(pairs))
    print(f"\nAll checks on the untouched: {each:.2f} ms a pair; faults reported by kind:")
    for kind in Kind:
        alarms = reported(pairs, frozenset({kind})) if any(f.kind is kind for f in faults) else []
        if alarms:
            print(f"  {kind.name:20}{interval(sum(alarms), len(alarms))}")
        if kind.name == arguments.show:
            for (en, ru), alarm in zip(pairs, alarms, strict=True):
                if alarm:
                    told = [f.message for f in check_sentence(en, ru) if f.kind is kind]
                    print("   ", en, ru, *told, sep="\n    ")


if __name__ == "__main__":
    main()
