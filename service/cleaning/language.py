"""Which language a text is in: is it the English that the models read?

A thin layer over ``py3langid``, which knows some hundred languages. Around it
stand the cases a detector of languages is no use for: too few words to tell,
scripts that English is never written in, and Russian in Latin letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from service.cleaning.words import FUNCTION_WORDS

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

UNKNOWN = "und"
ENGLISH = "en"
TRANSLITERATED = "ru-Latn"
NO_LANGUAGE = "zxx"  # BCP 47's tag for what is none: here, the lines of a program

# Fewer words than this are a name or a heading in any language, unless their
# letters say otherwise.
FEWEST_WORDS = 6
LOOKED_AT = 2_000

_NOT_TELLING = frozenset(["pcm", "zxx"])
# What programs are full of and sentences are not.
_SIGN = re.compile(r"[{}\[\]=<>_\\|&#$+]|(?<!\*)\*(?!\*)|\w\(|\);|;$|::", re.MULTILINE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def language_of(text: str) -> str:
    """The BCP 47 tag of ``text``'s language; ``und`` where it cannot be told.

    Long texts are judged by their beginning; a program's is ``zxx``.
    """
    text = text[:LOOKED_AT]
    words = _WORD.findall(text)
    if not words:
        return UNKNOWN
    if len(text) >= 20 and 20 * len(_SIGN.findall(text)) > len(text):
        return NO_LANGUAGE
    latin = sum(_is_latin(word) for word in words)
    if 2 * latin >= len(words):
        return _of_latin(words)
    sample = " ".join(word for word in words if not _is_latin(word))
    # A letter or two are a symbol.
    return _identifier().classify(sample)[0] if len(sample) > 2 else UNKNOWN


def _of_latin(words: list[str]) -> str:
    lower = [word.lower().replace("’", "'") for word in words]
    if _is_transliterated(lower):
        return TRANSLITERATED
    english = sum(word in FUNCTION_WORDS for word in lower) / len(words)
    if english > 0.2 and len(words) > 2:
        return ENGLISH
    if len(words) < FEWEST_WORDS:
        return UNKNOWN
    sample = " ".join(words)
    tag, confidence = _identifier().classify(sample)
    if tag == ENGLISH or english > 0.1:
        return ENGLISH
    # Names and addresses look like a creole, or like anything, but then it is not sure.
    return UNKNOWN if tag in _NOT_TELLING or confidence < 0.5 else tag


def _is_latin(word: str) -> bool:
    return unicodedata.name(word[0], "").startswith("LATIN")


@cache
def _identifier() -> LanguageIdentifier:
    # Unpacking its model takes a second and some hundred megabytes, so only when asked.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# How Russian is spelled in Latin letters, longest first.
_TRANSLITERATION = {
    "shch": "щ", "sch": "щ", "zh": "ж", "kh": "х", "ts": "ц", "ch": "ч", "sh": "ш",
    "yu": "ю", "ju": "ю", "ya": "я", "ja": "я", "yo": "ё", "jo": "ё", "ye": "е",
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х",
    "i": "и", "j": "й", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п",
    "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "х",
    "y": "ы", "z": "з", "'": "ь",
}  # fmt: skip
_SPELLING = re.compile("|".join(_TRANSLITERATION))
# Letters together that Russian words have in Latin letters and English ones do not.
_RUSSIAN_LETTERS = re.compile(
    r"zh|kh|shch|yy|iy|yk[ah]|eniy|stv[aeouy]|tsy?a|ogo$|ego$|omu$|[aoeiuy]yu?t$|ost$|[aeiy]li?s$|"
    r"aya$|oy$|oye$|[iy]mi$|ami$|ov$|[aeiy]la$"
)


def _is_transliterated(words: list[str]) -> bool:
    """Do these words of small letters read as Russian once spelled in Cyrillic letters?

    Some are words of both languages: on, my, no, to, do.
    """
    english = russian = 0
    for word in (word for word in words if len(word) > 1):
        listed = _SPELLING.sub(lambda m: _TRANSLITERATION[m[0]], word) in _RUSSIAN_WORDS
        if word in FUNCTION_WORDS:
            english += not listed
        else:
            russian += listed or (len(word) > 3 and bool(_RUSSIAN_LETTERS.search(word)))
    return russian >= max(2, len(words) / 4) and russian > 3 * english


_RUSSIAN_WORDS = _words(
    """
    и в не на я быть он с что а это по но они мы она как то из у который за от о так вы ты
    для же весь все один год бы меня мне его ее их нет да если уже или ни еще ещё был была
    было были до при во со когда где только очень может чтобы того этого сегодня завтра
    вчера тебя тебе себя там тут потом надо нужно можно под после без над про через между
    перед году года также нас вас их им ему ей этот эта эти который которая которые которого
    тем чем даже больше будет будут сказал сказала время человек людей свою своей своего
    своих
    """
)
