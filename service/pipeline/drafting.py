"""The Russian of sentences: what is asked of the model, and what is made of its answers.

These steps run in worker processes (``workshop``); ``translating`` calls for them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from models import Generated
from service.pipeline import workshop
from service.pipeline.reading import Reading, Source, is_worded, read_text
from service.pipeline.splitting import Piece, fit
from service.pipeline.typography import typeset
from service.pipeline.wording import Draft, Whole, drafts_with, terms_of
from service.schema import FindingKind, TranslateRequest, TranslationOptions
from service.verification import Fault, check_consistency, check_sentence, doubtful, is_lost


def encode(sentences: Sequence[str]) -> list[list[Piece]]:
    """Encode sentences for the translator, each in pieces that fit it.

    A sentence without a letter has nothing to translate, and no pieces.
    """
    return [_pieces(sentence) if is_worded(sentence) else [] for sentence in sentences]


def _pieces(text: str) -> list[Piece]:
    codec = workshop.codec("translator")
    return fit(text, codec.encode, codec.max_input_tokens)


def read_and_draft(request: TranslateRequest) -> tuple[Reading, list[Whole]]:
    """Read a text, and return the first draft of each of its sentences. Raises as ``read_text``."""
    reading = read_text(request)
    return reading, draft(reading.sources())


def draft(sources: Sequence[Source]) -> list[Whole]:
    """Return the first draft of each sentence."""
    encoded = encode([source.en for source in sources])
    return [
        Whole(source.en, tuple(pieces)) for source, pieces in zip(sources, encoded, strict=True)
    ]


def redraft(
    sources: Sequence[Source],
    drafts: Sequence[Whole],
    translations: Sequence[tuple[str, tuple[Fault, ...]]],
    options: TranslationOptions,
) -> list[list[Draft]]:
    """Return what to try where a draft's (Russian, faults) are in doubt, in order of trust.

    A lost term asks for drafts that bring it in; other faults for the sentence again, and,
    where it is long and the model went astray in it, in smaller units.
    """
    redrafts: list[list[Draft]] = []
    for source, first, (ru, faults) in zip(sources, drafts, translations, strict=True):
        own: list[Draft] = []
        if any(is_lost(fault) for fault in faults):
            own += drafts_with(source.en, ru, terms_of(source.en, options, source.keep), _pieces)
        if not own or any(doubtful([f]) and not is_lost(f) for f in faults):
            own.append(first)
            if any(fault.kind in _ASTRAY for fault in faults):
                own += _in_smaller_units(first)
        redrafts.append(own)
    return redrafts


#: What shows that the model lost its way in a sentence.
_ASTRAY = frozenset({FindingKind.REPETITION, FindingKind.TRUNCATED, FindingKind.LENGTH_RATIO})
_LONG = 40  # tokens; what is shorter has no parts worth translating alone


def _in_smaller_units(draft: Whole) -> Iterator[Whole]:
    codec = workshop.codec("translator")
    if sum(len(piece.ids) for piece in draft.pieces) >= _LONG:
        bare = len(codec.encode(""))
        half = bare + -(-(max(len(piece.ids) for piece in draft.pieces) - bare) * 3 // 5)
        yield Whole(draft.en, tuple(fit(draft.en, codec.encode, half)))


def review(
    sources: Sequence[Source],
    drafts: Sequence[Draft],
    outputs: Sequence[Sequence[Generated]],
    options: TranslationOptions,
) -> list[tuple[str, tuple[Fault, ...]]]:
    """Make the Russian of what the model wrote for each draft, and check it."""
    reviewed: list[tuple[str, tuple[Fault, ...]]] = []
    for source, draft_, written in zip(sources, drafts, outputs, strict=True):
        attempt = draft_.written(written)
        keep = (*options.keep, *source.keep)
        ru = typeset(attempt.ru, keep) if options.typography and draft_.pieces else attempt.ru
        faults = check_sentence(
            source.en,
            ru,
            keep=keep,
            glossary=options.glossary,
            truncated=attempt.truncated,
            headline=source.headline,
        )
        reviewed.append((ru, tuple(faults)))
    return reviewed


def compare(pairs: Sequence[tuple[str, str]]) -> list[tuple[int, Fault]]:
    """Check that one answer's (English, Russian) sentences write a name in one way."""
    return check_consistency(pairs)
