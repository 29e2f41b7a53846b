"""How far an English name and a Russian one are apart by sound.

Names are transcribed by ear and by habit, not by a table: Hugo is Гюго or Хьюго,
George is Джордж, Георг or Хорхе. So both are turned into sequences of sounds,
each a set of what the letters may stand for, and aligned: sounds that
intersect cost nothing, a wrong vowel little, a wrong or missing consonant one.
Russian endings are tried with and without.

It is no transliterator: it judges pairs and makes none.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

_VOWELS = "aeiou"
_VOWEL_COST = 0.25  # a wrong, missing or additional vowel
_SILENT_COST = 0.1  # a letter that is often not heard, such as h
_MAX_LETTERS = 40  # of a name that is looked at

# Letters and their sounds, entries parted by semicolons. A sound is a string of classes, any of
# which it may be (lower case: vowels; J is дж, Q ч, X ш, C ц, the others what they look like);
# "-" says that it may be silent.
_ENGLISH = """
    a aeo; b BV; c KSCQ; d D; e ei-; f F; g GJZH; h HG-; i iae; j JZHCi; k K; l L; m M; n N; o oaue;
    p P; q KQC; r R; s SZX; t T; u uaoi; v VFB; w Vu-; x KSXHZ S-; y ia; z ZCS;
    au aou V-; aw oa V-; ea iea; eau o; ee i; ei eia; eu eou V-; ew u V-; ia ia; ie ie; io ioe;
    oo uo; ou uoa; ow aou V-; ya a; ye e; yo o; yu u;
    ch QKXH; ck K; cqu K; cz QX; dg JD; dge J; dj J; ge GJZH e-; gh GF-; ght T; gi GJZH i; gn G- N;
    gu G Vu-; je JHe e; ju JHi u; kh HK; kn K- N; ks K S; ll LI-; mb M B-; ng N G-; pf PF; ph F;
    qu K Vu-; sc SX K-; sch XS K-; sh XS; sz SX; tch Q; th TDFSZ; ts CS; tz CS; wh VHu; wr V- R;
    ja JHCi- a; tth TDFSZ; xh JHX; zh ZQJ; zz CZ
"""
_RUSSIAN = """
    а a; б B; в V; г GH; д D; е e; ё oe; ж ZJ; з ZS; и i; й i; к K; л L; м M; н N; о o; п P; р R;
    с SX; т TD; у u; ф FTV; х HK; ц CS; ч QC; ш X; щ X; ъ; ы i; ь; э e; ю u; я a;
    дж J; дз JZ; ий i; кс KX S-; тс C; цз JCZ; чж ZQJ; ый i
"""
_FOLDED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "e", "œ": "e", "ß": "s", "ð": "d"}
)
_ADJECTIVE = r"(?:[оеиь]?в?ск(?:ий|ая|ое|ого|ому|им|ом|ой|ую|ие|их|ими))"
_ENDING = re.compile(
    rf"(?:{_ADJECTIVE}|ами|ями|ого|его|ому|ему|ыми|ими|ом|ем|[её]м|ым|им|ых|их|ам|ям|ах|ях|ой|ей|ов|ев"
    r"|ою|ею|ия|ии|ию|ие|а|я|у|ю|е|и|ы|о|ь|й)\Z"
)


class Sound(NamedTuple):
    """``classes`` as bits; ``cost`` of leaving it out; whether it is a ``vowel``."""

    classes: int
    cost: float
    vowel: bool


def _sound(letters: str) -> Sound:
    classes = letters.replace("-", "")
    vowel = all(c in _VOWELS for c in classes)
    cost = _SILENT_COST if "-" in letters else _VOWEL_COST if vowel else 1.0
    return Sound(sum(1 << (ord(c) - ord("A")) for c in set(classes)), cost, vowel)


def _table(text: str) -> dict[str, tuple[Sound, ...]]:
    rows = (entry.split() for entry in text.split(";"))
    return {letters: tuple(map(_sound, sounds)) for letters, *sounds in rows}


_SOUNDS = {"en": _table(_ENGLISH), "ru": _table(_RUSSIAN)}


class Heard:
    """A name as a sequence of sounds, and what tells at once that another is far from it."""

    def __init__(self, sounds: tuple[Sound, ...]) -> None:
        self.sounds = sounds
        self.weight = max(1.0, sum(sound.cost for sound in sounds))
        self.consonants = sum(not sound.vowel for sound in sounds)
        self.firm = [sound.classes for sound in sounds if sound.cost == 1]
        self.classes = reduce(or_, (sound.classes for sound in sounds), 0)


def distance(english: str, russian: str, most: float = 1.0) -> float:
    """From 0 (the same by sound) to 1 (another name, or one farther than ``most``); both are
    single words.
    """
    least, found = most, 1.0
    for heard in _english_forms(english):
        for form in _russian_forms(russian):
            weight = max(heard.weight, form.weight)
            if _at_least(heard, form) <= least * weight:
                far = _alignment(heard.sounds, form.sounds) / weight
                if far <= least:
                    least = found = far
    return found


@lru_cache(maxsize=8192)
def _english_forms(english: str) -> tuple[Heard, ...]:
    """The name as it is and without a last vowel, which Russian would decline."""
    sounds = _heard(english, "en")
    if len(sounds) > 2 and sounds[-1].vowel:
        return Heard(sounds), Heard(sounds[:-1])
    return (Heard(sounds),) if sounds else ()


@lru_cache(maxsize=8192)
def _russian_forms(russian: str) -> tuple[Heard, ...]:
    """The name as it is and without its ending, whichever of the two was meant."""
    word = russian.casefold()
    return tuple(Heard(_heard(form, "ru")) for form in sorted({word, stem(word)}))


def stem(russian: str) -> str:
    """A lower-case name without its ending, if two letters or more are left."""
    shorter = _ENDING.sub("", russian)
    return shorter if len(shorter) >= 2 else russian


@lru_cache(maxsize=16384)
def _heard(word: str, language: str) -> tuple[Sound, ...]:
    table = _SOUNDS[language]
    letters = _plain(word) if language == "en" else word.casefold()
    sounds: list[Sound] = []
    i = 0
    while i < min(len(letters), _MAX_LETTERS):
        size = next((n for n in (3, 2, 1) if letters[i : i + n] in table), 0)
        for sound in table.get(letters[i : i + size], ()):
            if not sounds or sounds[-1] != sound:  # double letters are one sound
                sounds.append(sound)
        i += size or 1
    return tuple(sounds)


def _plain(word: str) -> str:
    decomposed = unicodedata.normalize("NFKD", word.casefold().translate(_FOLDED))
    return "".join(c for c in decomposed if "a" <= c <= "z")


def _at_least(a: Heard, b: Heard) -> int:
    """A bound from below on what their alignment costs: consonants that either has too many of
    for the other, or that sound like nothing in it.
    """
    surplus = max(len(a.firm) - b.consonants, len(b.firm) - a.consonants)
    unheard = sum(not sound & b.classes for sound in a.firm)
    return max(surplus, unheard, sum(not sound & a.classes for sound in b.firm))


def _alignment(a: tuple[Sound, ...], b: tuple[Sound, ...]) -> float:
    """The least cost to turn one sequence into the other (Wagner and Fischer, 1974)."""
    row = [0.0]
    for sound in b:
        row.append(row[-1] + sound.cost)
    for left in a:
        previous, row = row, [row[0] + left.cost]
        for j, right in enumerate(b):
            if left.classes & right.classes:
                swap = 0.0
            else:
                swap = _VOWEL_COST if left.vowel and right.vowel else 1.0
            drop, insert = previous[j + 1] + left.cost, row[j] + right.cost
            row.append(min(previous[j] + swap, drop, insert))
    return row[-1]
