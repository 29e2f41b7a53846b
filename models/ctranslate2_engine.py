"""The ``ctranslate2`` engine: the fast one, for the families that CTranslate2 converts.

Its greedy search gives the reference's words. Its beam search is another one: it
divides a score by the length in the same way, but stops as soon as it has as many
finished answers as beams, and forbidden tokens are taken out before the probabilities
are made to add up to one. Nothing is truncated on the way in.

On a CPU each thread computes rows of its own, not too many together. Threads that share the
rows meet several hundred times a step, and each time wait for the one that another process has
held up; and what many rows write does not fit into a core's caches. Only where there are fewer
calls than threads, and much to read, does a call have several.

Importing this module loads CTranslate2; ``engine`` does so when asked.
"""

from __future__ import annotations

import ctypes
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Any

import ctranslate2

from models import conversion
from models.codec import Codec
from models.crew import crew
from models.decoding import Decoding, Generated
from models.engine import Dropped, Spare, check_lengths, dealt, loaded_once, nobody, nothing
from models.errors import ModelError
from models.families import FAMILIES, Shape
from models.selection import ModelRef

Batch = Sequence[tuple[int, ...]]

# Rows times beams that a CPU's thread computes together, about (docs/decoding.md): by then the
# weights are used often enough. Of long rows fewer: reading one uses them often enough.
_TOGETHER = 24
_TOGETHER_LONG = 8
# Tokens of input that are much for a row, and for a call, in which helpers pay from then on; an
# output is written token by token, too little work to share.
_MUCH = 256

# See ``_let_help``. Looked up once: a batch is not to open a library.
_tell_mkl = getattr(ctypes.CDLL(ctranslate2._ext.__file__), "mkl_serv_set_num_threads", None)


def open_engine(ref: ModelRef, codec: Codec, threads: int | None) -> Generator:
    """Load a model; see ``models.engine``. The first time, it is converted."""
    network = loaded_once(ref, lambda: Network(ref, conversion.ensure(ref), threads))
    return generator(ref, codec, network)


def generator(ref: ModelRef, codec: Codec, network: Network) -> Generator:
    """Return the engine of a network that is loaded."""
    kind = _Decoder if FAMILIES[ref.family].shape is Shape.DECODER else _EncoderDecoder
    return kind(ref, codec, network)


class Network:
    """The weights of the conversion in a folder, and what their files say.

    ``ways`` is how many calls are computed at once, ``together`` how many rows times beams
    each has, about, and ``together_long`` how many long ones; None is any number.
    """

    def __init__(self, ref: ModelRef, folder: Path, threads: int | None) -> None:
        self.told = conversion.told(folder)
        self.memory = (folder / "model.bin").stat().st_size
        decoder = FAMILIES[ref.family].shape is Shape.DECODER
        kind, _, index = ref.device.partition(":")
        self.ways = (threads or os.cpu_count() or 1) if kind == "cpu" else 1
        self.together = _TOGETHER if kind == "cpu" else None
        self.together_long = _TOGETHER_LONG if kind == "cpu" else None
        try:
            self.compute = (ctranslate2.Generator if decoder else ctranslate2.Translator)(
                str(folder),
                device=kind,
                device_index=int(index or 0),
                compute_type=ref.compute_type,
                inter_threads=self.ways,
                intra_threads=1,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelError(
                f"{ref.name} cannot be loaded into CTranslate2 ({error}); "
                "choose --engine transformers."
            ) from error


class Generator:
    """Text from encoder-decoders and decoders, by greedy or beam search."""

    def __init__(self, ref: ModelRef, codec: Codec, network: Network) -> None:
        self.parameters = network.told.parameters
        self.memory = network.memory
        self._ref = ref
        self._codec = codec
        self._network = network
        self._told = network.told

    def run(
        self, batch: Batch, decoding: Decoding, dropped: Dropped = nobody, spare: Spare = nothing
    ) -> list[Generated]:
        """Return one answer a row."""
        check_lengths(batch, self._ref)
        room = self._ref.max_output_tokens
        bounds = [min(room, decoding.bound(len(row))) for row in batch]
        threads = crew(self._network.ways)
        # The one that is free soon, if none is now: it takes longer calls, which are worth more.
        ways = max(1, threads.free)
        shares = list(self._together(batch, bounds, decoding, ways))
        least = min((sum(len(batch[row]) for row in rows) for rows in shares), default=0)
        alone = least >= _MUCH and ways == threads.count
        _let_help(max(1, ways // len(shares)) if alone else 1)
        calls: list[Callable[[], Sequence[Any]]] = []
        for rows in shares:
            most = max(_rounded(bounds[row], decoding) for row in rows)
            options: dict[str, Any] = {
                "beam_size": decoding.num_beams,
                "length_penalty": decoding.length_penalty,
                "repetition_penalty": decoding.repetition_penalty,
                "no_repeat_ngram_size": decoding.no_repeat_ngram_size,
                "end_token": list(self._told.ends),
                "return_end_token": True,  # as the reference counts lengths
                "suppress_sequences": [list(map(str, ids)) for ids in self._told.suppressed],
            }
            if decoding.num_beams == 1:
                options["callback"] = _stop(rows, bounds, dropped)
            call = partial(
                self._call,
                [[str(id_) for id_ in batch[row]] for row in rows],
                decoding.least(len(batch[rows[0]])),
                min(most, room) + 1,  # the end mark
                options,
            )
            calls.append(call)
        answers: dict[int, Generated] = {}
        for rows, outputs in zip(shares, _ended(threads.compute(calls, spare)), strict=True):
            for row, output in zip(rows, outputs, strict=True):
                answers[row] = self._generated(self._ids(output), bounds[row])
        return [answers[row] for row in range(len(batch))]

    def _together(
        self, batch: Batch, bounds: list[int], decoding: Decoding, ways: int
    ) -> Iterator[Sequence[int]]:
        """Yield the rows of each call: those whose neighbours change nothing for them.

        A greedy row ends where it should, whatever its call's bound. CTranslate2
        cannot end one row of a beam search, so there a call's rows have roughly the same bound
        (``_rounded``); and it has one least length for a call.
        """
        network = self._network
        groups: dict[Any, list[int]] = defaultdict(list)
        for row in range(len(batch)):
            bound = 0 if decoding.num_beams == 1 else _rounded(bounds[row], decoding)
            least = decoding.least(len(batch[row]))
            groups[bound, least, self._kind(batch[row], decoding)].append(row)
        for _, group in sorted(groups.items(), reverse=True):
            long = max(len(batch[row]) for row in group) >= _MUCH
            most = network.together_long if long else network.together
            together = most and max(1, most // decoding.num_beams)
            yield from dealt(batch, group, ways, together)

    def _kind(self, row: tuple[int, ...], decoding: Decoding) -> int:
        """Return what else of a row must be the same for all rows of a call."""
        raise NotImplementedError

    def _call(
        self, rows: list[list[str]], least: int, most: int, options: dict[str, Any]
    ) -> Sequence[Any]:
        """Compute some rows together; return CTranslate2's result of each."""
        raise NotImplementedError

    def _ids(self, result: Any) -> Sequence[int]:
        """Return a result's ids, the end mark included where there is one."""
        raise NotImplementedError

    def _generated(self, ids: Sequence[int], bound: int) -> Generated:
        end = next((place for place, id_ in enumerate(ids) if id_ in self._told.ends), len(ids))
        end = min(end, bound)
        return Generated(self._codec.decode(ids[:end]), end, truncated=end >= bound)


class _EncoderDecoder(Generator):
    def _kind(self, row: tuple[int, ...], decoding: Decoding) -> int:
        return 0

    def _call(
        self, rows: list[list[str]], least: int, most: int, options: dict[str, Any]
    ) -> Sequence[Any]:
        prefix = None if self._told.forced_bos is None else [[str(self._told.forced_bos)]]
        return self._network.compute.translate_batch(
            rows,
            prefix and prefix * len(rows),
            max_input_length=0,
            min_decoding_length=least,
            max_decoding_length=most,
            **options,
        )

    def _ids(self, result: Any) -> Sequence[int]:
        return list(map(int, result.hypotheses[0]))


class _Decoder(Generator):
    def _kind(self, row: tuple[int, ...], decoding: Decoding) -> int:
        """Return the prompt's length where the output so far bends the scores.

        Of prompts of different lengths, the longer ones' ends count as output; and in a
        beam search the least length then holds for some of the beams only.
        """
        bent = decoding.repetition_penalty != 1.0 or decoding.no_repeat_ngram_size
        least = decoding.num_beams > 1 and decoding.least(len(row))
        return len(row) if bent or least else 0

    def _call(
        self, rows: list[list[str]], least: int, most: int, options: dict[str, Any]
    ) -> Sequence[Any]:
        return self._network.compute.generate_batch(
            rows,
            include_prompt_in_result=False,
            min_length=least,
            max_length=most,
            **options,
        )

    def _ids(self, result: Any) -> Sequence[int]:
        return result.sequences_ids[0]


def _rounded(bound: int, decoding: Decoding) -> int:
    """Return the next power of four, or the most that any row may have.

    In finer steps fewer rows share a call, in coarser ones one that repeats itself goes on longer.
    """
    exponent = (bound - 1).bit_length()
    return min(1 << exponent + exponent % 2, decoding.max_tokens)


def _stop(rows: Sequence[int], bounds: list[int], dropped: Dropped) -> Callable[[Any], bool]:
    """Return what CTranslate2 asks after each token: is this row to end here?"""
    written: Counter[int] = Counter()

    def stop(step: Any) -> bool:
        row = rows[step.batch_id]
        written[row] += 1
        return written[row] >= bounds[row] or row in dropped()

    return stop


def _let_help(threads: int) -> None:
    """Let so many threads compute a call from now on, in all of this process.

    CTranslate2 fixes their number when it loads a model, but MKL, with which it multiplies on an
    Intel CPU and which is part of its library, can be told. Elsewhere nothing happens.
    """
    if _tell_mkl:
        _tell_mkl(threads)


def _ended(calls: Sequence[Future[Sequence[Any]]]) -> list[Sequence[Any]]:
    """Return each call's results, once all have ended, be it in an error.

    CTranslate2's ways of saying "out of memory" become Python's.
    """
    wait(calls)
    try:
        return [call.result() for call in calls]
    except RuntimeError as error:
        if "out of memory" in str(error).lower():
            raise MemoryError("the batch does not fit into memory") from error
        raise
