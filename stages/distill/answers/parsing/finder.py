"""Many phrases found in a text at once, without a pattern compiled for each set of them.

A multiple-choice task has a new set of phrases in every row, and compiling a pattern of them takes
longer than all the rest of reading an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# What may stand between two words of a phrase, and an article there that the phrase does not have.
_BETWEEN = re.compile(r"[\s_\-]+")
_ARTICLE = re.compile(r"(?:an?|the|his|her|their|your|my|our|its|one's)\s+")
# A phrase that begins or ends with a letter or digit is no part of a longer word or number.
_BEGINS = re.compile(r"(?<![^\W_])(?<![^\W_]-)(?<!\d[.,])")
_ENDS = re.compile(r"(?![^\W_])(?!-[^\W_])(?!'t\b)")
_ENDS_DIGIT = re.compile(r"(?![.,]\d)")


class Finder:
    """Finds phrases in folded text; the earlier of `phrases` are preferred where several begin together.

    Between the words of a phrase there may be any spaces, underscores and hyphens, and an article.
    """

    def __init__(self, phrases: Iterable[str]):
        self._by_word: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
        for rank, phrase in enumerate(phrases):
            if phrase:
                words = tuple(phrase.split(" "))
                if words[0] in self._by_word:
                    self._by_word[words[0]].append((rank, words))
                else:
                    self._by_word[words[0]] = [(rank, words)]

    def find(self, folded: str) -> list[tuple[int, int]]:
        """The (start, end) of each phrase found, in order, none within another."""
        found = []
        for word, group in self._by_word.items():
            start = folded.find(word)
            while start != -1:
                for rank, words in group:
                    end = _end(words, folded, start)
                    if end:
                        found.append((start, rank, end))
                        break
                start = folded.find(word, start + 1)
        spans, reached = [], 0
        for start, _, end in sorted(found):
            if start >= reached:
                spans.append((start, end))
                reached = end
        return spans


def _end(words: tuple[str, ...], folded: str, start: int) -> int:
    """Where the phrase that begins at `start` with its first word ends; 0 where it does not stand there."""
    if words[0][:1].isalnum() and not _BEGINS.match(folded, start):
        return 0
    return _rest(words, 1, folded, start + len(words[0]))


def _rest(words: tuple[str, ...], at: int, folded: str, place: int) -> int:
    """Where the phrase ends of which words[:at] stand before `place`; 0 where the rest does not follow."""
    if at == len(words):
        last = words[-1][-1:]
        if last.isalnum() and not _ENDS.match(folded, place):
            return 0
        return 0 if last.isdigit() and not _ENDS_DIGIT.match(folded, place) else place
    between = _BETWEEN.match(folded, place)
    if not between:
        return 0
    # Only a word that itself begins with a space or hyphen can begin within the space before it.
    least = place + 1 if not words[at][:1].strip(" \n_-") else between.end()
    for stop in range(between.end(), least - 1, -1):
        article = _ARTICLE.match(folded, stop)
        for begin in (article.end() if article else -1, stop):
            if begin >= 0 and folded.startswith(words[at], begin):
                end = _rest(words, at + 1, folded, begin + len(words[at]))
                if end:
                    return end
    return 0
