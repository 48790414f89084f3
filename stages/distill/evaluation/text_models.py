"""Text models without a network: TF-IDF with logistic regression, nearest neighbours, the nearest choice.

They are what a student has to beat. All are scikit-learn's, on one thread, so that the same rows give the same answers.
Where each row has choices of its own, pairs of input and choice are scored, and the best of a row is its answer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier

from distill.answers.choices import apart

# Scripts that put no space between words: each of their characters is a token.
_NO_SPACES = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(f"[{_NO_SPACES}]|[^\\W{_NO_SPACES}]+")
# Of a pair, the first so many words of input and choice are crossed with each other.
_CROSSED_INPUT, _CROSSED_CHOICE = 64, 16
# The most frequent words and pairs.
_MOST_FEATURES = 20_000


class NoWords(ValueError):
    """No text has a word, so there is no TF-IDF."""


class HasText(Protocol):
    """A row as far as these models read it: Example and TrainingRow alike."""

    @property
    def input(self) -> str: ...

    @property
    def choices(self) -> tuple[str, ...]: ...


# Of each row, its possible answers and how much speaks for each.
Scorer = Callable[[Sequence[HasText]], list[dict[str, float]]]
# Vectors of texts, (texts, width).
Embedding = Callable[[Sequence[str]], np.ndarray]


def answers(scored: Sequence[dict[str, float]]) -> list[str]:
    """The answer with the highest score, the first among equals."""
    return [max(row, key=row.__getitem__) for row in scored]


def regressions(
    rows: Sequence[HasText], labels: Sequence[str], strengths: Sequence[float], embedding: Embedding | None = None
) -> Iterator[Scorer]:
    """A logistic regression for each of the `strengths` (C, the inverse of the L2 penalty's weight).

    On TF-IDF of words and pairs of neighbouring words; with an `embedding` on its vectors. Scores are probabilities, of
    choices each choice's own. Raises NoWords.
    """
    if any(row.choices for row in rows):
        vectors = _tfidf(_pair_tokens, _pairs(rows))
        features = vectors.transform(_pairs(rows))
        right = [choice == label for row, label in zip(rows, labels, strict=True) for choice in row.choices]
        for strength in strengths:
            yield _choice_scorer(vectors, _fitted(features, right, strength))
        return
    encode = embedding
    if encode is None:
        encode = _tfidf(_tokens, [row.input for row in rows]).transform
    features = encode([row.input for row in rows])
    for strength in strengths:
        yield _class_scorer(encode, _fitted(features, labels, strength))


def neighbours(rows: Sequence[HasText], labels: Sequence[str], counts: Sequence[int]) -> Iterator[Scorer]:
    """For each of the `counts` the classes of so many nearest rows by the cosine of TF-IDF, nearer ones for more.

    Raises NoWords.
    """
    vectors = _tfidf(_tokens, [row.input for row in rows])
    features = vectors.transform([row.input for row in rows])
    for count in counts:
        model = KNeighborsClassifier(min(count, len(rows)), weights="distance", metric="cosine", n_jobs=1)
        yield _class_scorer(vectors.transform, model.fit(features, list(labels)))


def nearest_choice(rows: Sequence[HasText], embedding: Embedding | None = None) -> Scorer:
    """Scores a row's choices by their cosine with its question, by TF-IDF of these rows or by an `embedding`.

    No label is read. Raises NoWords.
    """
    if embedding is None:
        texts = [text for row in rows for text in (apart(row.input)[0], *row.choices)]
        embedding = _tfidf(_tokens, texts).transform

    def scores(answered: Sequence[HasText]) -> list[dict[str, float]]:
        pairs = _pairs(answered)
        texts = list(dict.fromkeys(text for pair in pairs for text in pair))
        places = {text: place for place, text in enumerate(texts)}
        encoded = embedding(texts)
        questions, choices = (encoded[[places[text] for text in side]] for side in zip(*pairs, strict=True))
        alike = iter(_cosines(questions, choices).tolist())
        return [{choice: next(alike) for choice in row.choices} for row in answered]

    return scores


def _tfidf(analyzer: Callable[[Any], list[str]], texts: Sequence[Any]) -> TfidfVectorizer:
    if not any(analyzer(text) for text in texts):
        raise NoWords("no text of the training rows has a word")
    return TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, max_features=_MOST_FEATURES).fit(texts)


def _fitted(features: Any, targets: Sequence[Any], strength: float) -> Any:
    if len(set(targets)) == 1:
        return DummyClassifier(strategy="prior").fit(features, list(targets))
    # Each class against the others: on tables of many classes it takes seconds where one model of all took minutes.
    model = LogisticRegression(C=strength, solver="liblinear", random_state=0)
    return OneVsRestClassifier(model).fit(features, list(targets))


def _class_scorer(encode: Callable[[Sequence[str]], Any], model: Any) -> Scorer:
    def scores(rows: Sequence[HasText]) -> list[dict[str, float]]:
        shares = model.predict_proba(encode([row.input for row in rows]))
        return [dict(zip(model.classes_.tolist(), row.tolist(), strict=True)) for row in shares]

    return scores


def _choice_scorer(vectors: TfidfVectorizer, model: Any) -> Scorer:
    def scores(rows: Sequence[HasText]) -> list[dict[str, float]]:
        shares = model.predict_proba(vectors.transform(_pairs(rows)))
        right = shares @ np.asarray(model.classes_, dtype=float)
        rights = iter(right.tolist())
        return [{choice: next(rights) for choice in row.choices} for row in rows]

    return scores


def _tokens(text: str) -> list[str]:
    """Words in lower case, and each with the one that follows it."""
    words = _TOKEN.findall(text.casefold())
    return words + [f"{first} {second}" for first, second in itertools.pairwise(words)]


def _pairs(rows: Sequence[HasText]) -> list[tuple[str, str]]:
    return [(apart(row.input)[0], choice) for row in rows for choice in row.choices]


def _pair_tokens(pair: tuple[str, str]) -> list[str]:
    """The choice's words, each word of the input with each of the choice, and "=" for each word that both have.

    What the input alone says cannot tell its choices apart, so it is no token of its own.
    """
    words, own = (list(dict.fromkeys(_TOKEN.findall(text.casefold()))) for text in pair)
    crossed = [f"{first}|{second}" for first in words[:_CROSSED_INPUT] for second in own[:_CROSSED_CHOICE]]
    return _tokens(pair[1]) + crossed + ["="] * len({*words} & {*own})


def _cosines(first: Any, second: Any) -> np.ndarray:
    """The cosine of each row of one with the row of the other; of TF-IDF, whose rows have length 1, the product."""
    if isinstance(first, np.ndarray):
        lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
        return (first * second).sum(1) / np.maximum(lengths, 1e-12)
    return np.asarray(first.multiply(second).sum(1)).ravel()
