"""What of a sentence has its translation fixed, and four ways to get it there.

A *term* is a piece of the English sentence whose Russian is given: what has to stay verbatim
(``keep``, addresses, placeholders) and what the glossary knows. A *draft* is one way to
translate the sentence: it says what the model has to compute, and makes the Russian of it.

    Whole     the sentence as it is, in one piece or several
    Carried   each term replaced by a stand-in that models copy (X1), and put in again
    InPlace   where the words stand that a translation has for the term, the term
    Around    the text between the terms, bit by bit: never loses one, and reads the worst

A glossary's term takes the inflection of its place. Which draft is best is for the
checks to say; nothing here checks, encodes or computes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, islice

from models import Generated
from service.pipeline.alignment import Place, align
from service.pipeline.splitting import Piece
from service.schema import TranslationOptions
from service.verification import fitting, glossary_terms, in_place_of, kept_places

_MOST = 20  # terms of one sentence; what is beyond is left to the model
_AFTER = ".,;:!?)»”"  # what stands next to the word before it

Encode = Callable[[str], Sequence[Piece]]


@dataclass(frozen=True)
class Term:
    """A piece of a sentence and its Russian; one that is not ``kept`` is inflected."""

    start: int
    end: int
    target: str
    kept: bool = True
    plural: bool = False

    def after(self, before: str) -> str:
        """Return its Russian as it fits after the text ``before``."""
        if self.kept:
            return self.target
        return _opened(fitting(self.target, before, plural=self.plural), before)

    def instead_of(self, words: str, before: str) -> str:
        """Return its Russian in the place of ``words``, which stand after ``before``."""
        if self.kept:
            return self.target
        return _opened(in_place_of(words, self.target, before, plural=self.plural), before)


@dataclass(frozen=True)
class Attempt:
    """One translation of one sentence, and whether the model ran into its length bound."""

    ru: str
    truncated: bool


def terms_of(en: str, options: TranslationOptions, keep: Sequence[str] = ()) -> list[Term]:
    """Return the terms of a sentence, in order and apart; what is kept, and then the longer
    one, goes before another that it overlaps.
    """
    found = [
        Term(start, end, en[start:end]) for start, end in kept_places(en, (*options.keep, *keep))
    ]
    kept = bytearray(len(en))
    for term in found:
        kept[term.start : term.end] = b"\1" * (term.end - term.start)
    for start, end, plural, entry in glossary_terms(en, options.glossary):
        if not any(kept[start:end]):
            found.append(Term(start, end, entry.target.strip(), kept=False, plural=plural))
    return sorted(found, key=lambda term: term.start)[:_MOST]


@dataclass(frozen=True)
class Whole:
    """The sentence as the model translates it; without pieces it stays as it is."""

    en: str
    pieces: tuple[Piece, ...]

    def written(self, outputs: Sequence[Generated]) -> Attempt:
        """Return the Russian that ``outputs``, one for each of the pieces, make."""
        return _joined(self.pieces, outputs) if self.pieces else Attempt(self.en, False)


@dataclass(frozen=True)
class Carried:
    """The sentence with stand-ins, which the answer should have as well."""

    terms: tuple[Term, ...]
    stand_ins: tuple[str, ...]
    pieces: tuple[Piece, ...]

    def written(self, outputs: Sequence[Generated]) -> Attempt:
        """Return the Russian with the terms put in again."""
        attempt = _joined(self.pieces, outputs)
        ru = attempt.ru
        # From the last: X1 begins X10, too.
        for term, stand_in in reversed(list(zip(self.terms, self.stand_ins, strict=True))):
            at = ru.find(stand_in)
            while at >= 0:
                before, said = ru[:at], term.after(ru[:at])
                if before.endswith((" о ", "О ")) and said[:1].casefold() in "аоуэи":
                    before = f"{before[:-1]}б "
                ru = before + said + ru[at + len(stand_in) :]
                at = ru.find(stand_in, len(before) + len(said))
        return Attempt(ru, attempt.truncated)


@dataclass(frozen=True)
class InPlace:
    """A translation ``ru`` of the sentence, and its terms translated by themselves, which tells
    where the translation has them; ``counts`` says how many pieces each took.
    """

    en: str
    ru: str
    terms: tuple[Term, ...]
    counts: tuple[int, ...]
    pieces: tuple[Piece, ...]

    def written(self, outputs: Sequence[Generated]) -> Attempt:
        """Return the translation with the terms where it had other words for them."""
        parts = _parted(self.pieces, outputs, self.counts)
        alone = {
            self.en[term.start : term.end]: part.ru
            for term, part in zip(self.terms, parts, strict=True)
        }
        places = [Place(term.start, term.end) for term in self.terms]
        windows = align(self.en, self.ru, places, alone)
        ru = self.ru
        for (start, end), term in sorted(zip(windows, self.terms, strict=True), reverse=True):
            if start < end:
                ru = ru[:start] + term.instead_of(ru[start:end], ru[:start]) + ru[end:]
        return Attempt(ru, False)


@dataclass(frozen=True)
class Around:
    """The sentence cut at its terms; ``counts`` says how many pieces each of the texts
    between them took, one more than there are terms.
    """

    terms: tuple[Term, ...]
    texts: tuple[str, ...]
    counts: tuple[int, ...]
    pieces: tuple[Piece, ...]

    def written(self, outputs: Sequence[Generated]) -> Attempt:
        """Return the translated texts with the terms between them."""
        parts = _parted(self.pieces, outputs, self.counts)
        ru = ""
        for n, (en, part) in enumerate(zip(self.texts, parts, strict=True)):
            said = _fitted(en, part.ru, last=n == len(self.terms)) if self.counts[n] else en.strip()
            ru = _put_after(ru, en, said)
            if n < len(self.terms):
                blank = en[-1:].isspace() and bool(ru)
                ru = ru.rstrip() + " " * blank
                ru += self.terms[n].after(ru)
        return Attempt(ru, any(part.truncated for part in parts))


Draft = Whole | Carried | InPlace | Around


def whole(en: str, encode: Encode) -> Whole:
    """Return the plainest draft."""
    return Whole(en, tuple(encode(en)))


def drafts_with(en: str, ru: str, terms: Sequence[Term], encode: Encode) -> list[Draft]:
    """Return drafts that bring in ``terms``, the better ones first; ``ru`` is a translation of
    the sentence that lacks some of them.
    """
    if not terms:
        return []
    names = (f"X{n}" for n in count(1))
    stand_ins = list(islice((name for name in names if name not in en), len(terms)))
    alone = [encode(en[term.start : term.end]) for term in terms]
    bounds = [0, *(place for term in terms for place in (term.start, term.end)), len(en)]
    texts = [en[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)]
    between = [encode(text) if any(map(str.isalpha, text)) else () for text in texts]
    carried = "".join(
        text + stand_in for text, stand_in in zip(texts, [*stand_ins, ""], strict=True)
    )
    own = tuple(terms)
    return [
        Carried(own, tuple(stand_ins), tuple(encode(carried))),
        InPlace(en, ru, own, tuple(map(len, alone)), tuple(p for part in alone for p in part)),
        Around(
            own,
            tuple(texts),
            tuple(map(len, between)),
            tuple(piece for part in between for piece in part),
        ),
    ]


def _opened(said: str, before: str) -> str:
    """``said`` with a capital, if it opens the sentence and is a Russian word."""
    opens = not any(map(str.isalnum, before)) and "а" <= said[:1] <= "я"
    return said[:1].upper() + said[1:] if opens else said


def _joined(pieces: Sequence[Piece], outputs: Sequence[Generated]) -> Attempt:
    joined = "".join(
        output.text + (piece.glue if n < len(outputs) else "")
        for n, (piece, output) in enumerate(zip(pieces, outputs, strict=True), start=1)
    )
    return Attempt(" ".join(joined.split()), any(output.truncated for output in outputs))


def _parted(
    pieces: Sequence[Piece], outputs: Sequence[Generated], counts: Sequence[int]
) -> list[Attempt]:
    parts: list[Attempt] = []
    at = 0
    for size in counts:
        parts.append(_joined(pieces[at : at + size], outputs[at : at + size]))
        at += size
    return parts


def _fitted(en: str, ru: str, *, last: bool) -> str:
    """A bit of a sentence without what makes it a sentence of its own."""
    en = en.strip()
    if not last and ru.endswith(".") and not en.endswith("."):
        ru = ru.removesuffix(".")
    if en[:1].islower() and ru[1:2].islower():
        ru = ru[:1].lower() + ru[1:]
    return ru.strip()


def _put_after(ru: str, en: str, said: str) -> str:
    """``said``, which translates ``en``, after what there is, with a blank where one was."""
    if not ru or not said:
        return ru + said
    blank = en[:1].isspace() and said[0] not in _AFTER
    return ru + " " * blank + said
