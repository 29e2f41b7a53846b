"""Sentences in, Russian out: translate, check, try again more safely, keep the better.

Works on a list of sentences and knows nothing of where they stood; the
pipeline puts them back.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from models import Decoding, ModelRef
from service.pipeline import drafting
from service.pipeline.journey import Journey
from service.pipeline.reading import Source
from service.pipeline.splitting import Ids, Piece
from service.pipeline.wording import Draft, Whole
from service.scheduler import Output, Unit
from service.schema import Finding, FindingKind, Severity, TranslationOptions
from service.verification import Fault, cost, doubtful, is_lost


@dataclass(frozen=True)
class Rendering:
    """A sentence's Russian, or its English and the reason why it stayed so."""

    ru: str
    faults: tuple[Fault, ...] = ()
    error: Exception | None = None


class Translator:
    """The translator's side of the pipeline."""

    def __init__(self, ref: ModelRef) -> None:
        self._ref = ref

    async def translate(
        self,
        journey: Journey,
        sources: Sequence[Source],
        options: TranslationOptions,
        first: Sequence[Whole] | None = None,
    ) -> list[Rendering]:
        """Translate sentences and return their renderings in the same order.

        ``first`` are their first drafts, where they are at hand. A sentence without a letter
        (figures, rules, emoji) is kept as it is. A unit that fails costs its own sentence only.
        """
        if first is None:
            first = await journey.prepare(drafting.draft, sources)
        renderings = await self._render(journey, sources, first, options, self._ref.decoding)
        doubted = [n for n, r in enumerate(renderings) if doubtful(r.faults)]
        if doubted:
            await self._try_again(journey, doubted, sources, first, renderings, options)
        pairs = [(s.en, r.ru) for s, r in zip(sources, renderings, strict=True)]
        if len(pairs) > 1:
            for n, fault in await journey.prepare(drafting.compare, pairs):
                renderings[n] = replace(renderings[n], faults=(*renderings[n].faults, fault))
        return renderings

    async def _try_again(
        self,
        journey: Journey,
        doubted: Sequence[int],
        sources: Sequence[Source],
        first: Sequence[Whole],
        renderings: list[Rendering],
        options: TranslationOptions,
    ) -> None:
        """Put the best of all drafts in the place of each rendering that is in doubt."""
        redrafts = await journey.prepare(
            drafting.redraft,
            [sources[n] for n in doubted],
            [first[n] for n in doubted],
            [(renderings[n].ru, renderings[n].faults) for n in doubted],
            options,
        )
        drafts = [(n, draft) for n, own in zip(doubted, redrafts, strict=True) for draft in own]
        again = await self._render(
            journey,
            [sources[n] for n, _ in drafts],
            [draft for _, draft in drafts],
            options,
            self._ref.safer,
        )
        for (n, _), rendering in zip(drafts, again, strict=True):
            if rendering.error is None and _badness(rendering) < _badness(renderings[n]):
                renderings[n] = rendering

    async def fragments(
        self, journey: Journey, pieces: Sequence[str], options: TranslationOptions
    ) -> dict[str, str]:
        """Translate pieces of sentences, once; one that fails is left out. The glossary says
        what its terms are.
        """
        known = {entry.source.casefold(): entry.target for entry in options.glossary}
        translated = {p: known[p.casefold()] for p in pieces if p.casefold() in known}
        sources = [Source(piece, headline=True) for piece in pieces if piece not in translated]
        drafts = await journey.prepare(drafting.draft, sources)
        renderings = await self._render(
            journey, sources, drafts, TranslationOptions(), self._ref.decoding
        )
        for source, rendering in zip(sources, renderings, strict=True):
            if rendering.error is None:
                translated[source.en] = rendering.ru
        return translated

    async def _render(
        self,
        journey: Journey,
        sources: Sequence[Source],
        drafts: Sequence[Draft],
        options: TranslationOptions,
        decoding: Decoding,
    ) -> list[Rendering]:
        if not drafts:
            return []
        units = [self._unit(piece, decoding) for draft in drafts for piece in draft.pieces]
        results = iter(await journey.compute(units))
        outputs = [[next(results) for _ in draft.pieces] for draft in drafts]
        errors = [next((o for o in own if isinstance(o, Exception)), None) for own in outputs]
        sound = [n for n, error in enumerate(errors) if error is None]
        reviewed = iter(
            await journey.prepare(
                drafting.review,
                [sources[n] for n in sound],
                [drafts[n] for n in sound],
                [[o.value for o in outputs[n] if isinstance(o, Output)] for n in sound],
                options,
            )
        )
        return [
            Rendering(*next(reviewed)) if error is None else Rendering(source.en, error=error)
            for source, error in zip(sources, errors, strict=True)
        ]

    def _unit(self, piece: Piece, decoding: Decoding) -> Unit:
        # News grows by about a fifth in tokens on its way into Russian.
        return unit(self._ref, decoding, piece.ids, len(piece.ids) * 6 // 5 + 8)


def unit(ref: ModelRef, decoding: Decoding, ids: Ids, expected: int) -> Unit:
    """Return the unit that computes ``ids`` and is expected to write so many tokens."""
    return Unit(
        queue=ref.role,
        profile=decoding,
        payload=ids,
        key=blake2b(array("I", ids).tobytes(), digest_size=16).digest(),
        input_tokens=len(ids),
        output_tokens=min(decoding.max_tokens, expected) * decoding.num_beams,
    )


def _badness(rendering: Rendering) -> tuple[int, int]:
    """What the caller or the source fixed counts before everything else."""
    return sum(map(is_lost, rendering.faults)), cost(rendering.faults)


def findings_in(
    rendering: Rendering, field: str, *, sentence_index: int = -1, offset: int = 0
) -> list[Finding]:
    """Return a rendering's findings as they stand at ``offset`` in the answer's ``field``."""
    if rendering.error is not None:
        return [
            Finding(
                FindingKind.FAILED,
                Severity.ERROR,
                field,
                "This part could not be translated and stayed English; send it again.",
                sentence_index=sentence_index,
                start=offset,
                end=offset + len(rendering.ru),
                evidence=rendering.ru,
            )
        ]
    return [
        replace(finding, start=offset + finding.start, end=offset + finding.end)
        for finding in (fault.finding(field, sentence_index) for fault in rendering.faults)
    ]
