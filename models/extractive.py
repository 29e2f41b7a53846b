"""An extractive summary: which of an article's own sentences to keep.

Chooses by three things: how close a sentence is to what the article is about, how near
the top it stands, and how little it repeats of what was chosen before; then whether it
can be read alone (`models.readability`). Embeddings come from outside, so there is no
model here, no tokenizer and no torch: the same sentences and embeddings always give the
same choice, and memory grows with the number of sentences, never with its square.

The constants were tuned together, by coordinate search for ROUGE-1 of three-sentence
summaries, on 250 CNN articles with MiniLM embeddings (all-MiniLM-L6-v2). They sit on wide
plateaus: half or twice any one of them alone costs at most half a point. Leaving out LEAD_BONUS
or LENGTH_COST costs a whole one, and with it the lead over the first three sentences (0.9 there).
`python -m bench.quality summary` measures them on articles they have not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.readability import readings

TOPIC_DECAY = 0.5
"""Sentence i weighs (1 + i) ** -TOPIC_DECAY in the article's topic: the lead counts most, but
in a long article the body still outweighs it."""

LEAD_BONUS = 0.4
"""What the first sentence gains over a late one, in units of cosine similarity."""

LEAD_LENGTH = 10
"""Sentences after which the lead's bonus has fallen to 1/e."""

EASY_WORDS = 20
"""Up to here a sentence's length costs nothing."""

LENGTH_COST = 0.01
"""What each further word costs: a summary is short, and long sentences translate badly."""

LEANING_COST = 0.3
"""What it costs to need another sentence; nothing once that one is in the summary too.
Not the best of ROUGE, which 0.15 gives by 0.3 points, but of reading: summaries with a pronoun or
a surname left unexplained fall from 29 to 10 in 250."""

REDUNDANCY_COST = 0.2
"""Share of the closest chosen sentence's similarity that is taken off (maximal marginal
relevance: Carbonell and Goldstein, 1998)."""

SAME = 0.9
"""Sentences with a cosine above this say the same thing: one of them is enough."""


@dataclass(frozen=True)
class Choice:
    """A sentence of the summary."""

    index: int
    """Its place among the article's sentences, from 0."""
    score: float
    """Its worth when it was chosen, in units of cosine similarity: about -0.5 to 1.4."""


def select_sentences(
    embeddings: NDArray[np.floating],
    sentences: Sequence[str],
    *,
    max_sentences: int,
    max_words: int = 0,
) -> list[Choice]:
    """Choose up to ``max_sentences`` sentences, in the article's order.

    ``embeddings`` has one row per sentence, shape (n, d), each of length 1. ``max_words`` bounds
    the words of all choices together, 0 meaning no bound; words are what white space separates.
    A sentence that does not fit is passed over for the next best that does.

    Fewer come back where the rest are repetitions or unfit to be read (see `Reading`); where
    all are unfit, they are chosen from all the same. The list is empty if there are no
    sentences, or if every one of them is longer than ``max_words``: what to say then is the
    caller's decision. Ties go to the earlier sentence.

    Raises ValueError if the two lengths differ, or a bound is negative.
    """
    if len(embeddings) != len(sentences):
        raise ValueError(f"{len(embeddings)} embeddings for {len(sentences)} sentences")
    if max_sentences < 0 or max_words < 0:
        raise ValueError("max_sentences and max_words cannot be negative")
    if not sentences:
        return []

    vectors = np.asarray(embeddings, dtype=np.float32)
    words = np.array([len(sentence.split()) for sentence in sentences])
    read = readings(sentences)
    needs = np.array([-1 if reading.needs is None else reading.needs for reading in read])

    worth = _worth(vectors, words)
    leaning = np.where(needs >= 0, LEANING_COST, 0.0)
    redundancy = np.zeros(len(sentences))
    eligible = np.array([reading.fit for reading in read])
    if not eligible.any():
        eligible[:] = True
    room = max_words or int(words.sum())

    chosen: list[Choice] = []
    while len(chosen) < max_sentences:
        eligible &= words <= room
        if not eligible.any():
            break
        score = worth - leaning - REDUNDANCY_COST * redundancy
        best = int(
            np.argmax(np.where(eligible, score, -np.inf))
        )  # argmax takes the first of equals
        chosen.append(Choice(best, float(score[best])))
        room -= int(words[best])
        similarity = vectors @ vectors[best]
        redundancy = np.maximum(redundancy, similarity)
        eligible &= similarity <= SAME
        eligible[best] = False
        leaning[needs == best] = 0.0
    return sorted(chosen, key=lambda choice: choice.index)


def _worth(vectors: NDArray[np.float32], words: NDArray[np.int_]) -> NDArray[np.float64]:
    """Each sentence's worth before any other is chosen.

    Similarity to the weighted mean of all sentences is their weighted mean similarity, that is,
    degree centrality in the article's similarity graph (LexRank's: Erkan and Radev, 2004)
    without building the graph.
    """
    place = np.arange(len(vectors), dtype=np.float64)
    topic = (1 + place) ** -TOPIC_DECAY @ vectors
    centrality = vectors @ (topic / max(float(np.linalg.norm(topic)), 1e-9))
    lead = LEAD_BONUS * np.exp(-place / LEAD_LENGTH)
    return centrality + lead - LENGTH_COST * np.maximum(words - EASY_WORDS, 0)
