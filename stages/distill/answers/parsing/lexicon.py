"""The forms under which a task's choices appear, and which choice a stretch of text names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from distill.answers.choices import place_of
from distill.answers.parsing.folding import UNSPACED, fold

_JOINT = re.compile(r"(?<=\w)[\s_\-]+(?=\w)")
_SLASH = re.compile(r"(?<=\w)[\s_]*/[\s_]*(?=\w)")
_ARTICLE = re.compile(r"^(?:an?|the|to|in|at|on)\s+(?=\w{3})")
_INNER_ARTICLE = re.compile(r"(?<=\w) (?:an?|the|his|her|their|your|my|our|its|one's) (?=\w)")
_SMALL = {"a", "an", "the", "to", "his", "her", "their", "your", "my", "our", "its"}
_NEAR = 0.92
_VOWELS = "aeiou"
# What may stand between two words of a phrase, and an article there that the phrase does not have.
_BETWEEN = re.compile(r"[\s_\-]+")
_NOTHING = re.compile("")
_PHRASE_ARTICLE = re.compile(r"(?:an?|the|his|her|their|your|my|our|its|one's)\s+")
# A phrase that begins or ends with a letter or digit is no part of a longer word or number.
# No boundary is needed where the script puts no space between words.
_LETTER = rf"[^\W_{UNSPACED}]"
_BEGINS = re.compile(rf"(?<!{_LETTER})(?<!{_LETTER}-)(?<!\d[.,])|(?=[{UNSPACED}])")
_ENDS = re.compile(rf"(?!{_LETTER})(?!-{_LETTER})(?!'t\b)|(?<=[{UNSPACED}])")
_ENDS_DIGIT = re.compile(r"(?![.,]\d)")


class Lexicon:
    """The forms under which choices can appear, each with the choice's own text.

    `markers` says that choices also answer to their letter or number. Then a
    choice is also known by the plural or singular of its last word and by the
    plain or -ing form of its first, unless that is the form of another choice.
    `aliases` are further names of choices, (choice, names); a choice's own form goes first.
    """

    def __init__(
        self, choices: Sequence[str], *, markers: bool, aliases: Sequence[tuple[str, Sequence[str]]] = ()
    ) -> None:
        self.choices = tuple(choices)
        self.markers = markers
        self.labels = tuple(dict.fromkeys(self.choices))
        self._forms: dict[str, list[str]] = {}
        for label in self.labels:
            self._forms.setdefault(self._form(label), []).append(label)
        for label, names in aliases:
            for name in names if label in self.labels else ():
                self._forms.setdefault(self._form(name), [label])
        self._loose: set[str] = set()
        if markers:
            self._add(_inflections)
            self._loose = self._add(_tenses, alone=True)
        self._finder = PhraseFinder(sorted(self._forms, key=len, reverse=True))

    def find(self, folded: str) -> list[tuple[int, int]]:
        """The (start, end) of every form in a folded text, none within another, the longest of those that begin
        together.
        """
        return self._finder.find(folded)

    def label_of(self, words: str) -> str:
        """The choice that `words`, a place of `find`, name."""
        form = self._form(words)
        labels = self._forms.get(form) or self._forms[_INNER_ARTICLE.sub(" ", form)]
        plain = words.strip()
        return plain if plain in labels else labels[0]

    def label_at(self, marker: str) -> str | None:
        """The choice with the letter or (from 1) number `marker`."""
        place = int(marker) - 1 if marker.isdigit() else place_of(marker)
        return self.choices[place] if place is not None and 0 <= place < len(self.choices) else None

    def is_loose(self, words: str) -> bool:
        """Whether `words` are another tense of a choice, which counts only where an answer is due."""
        return self._form(words) in self._loose

    def nearest(self, words: str) -> str | None:
        """The one choice that the beginning of `words` misspells (or spells right)."""
        tokens = [word for word in re.findall(r"[\w'-]+", fold(words)[:120]) if word not in _SMALL]
        near = set()
        for label in self.labels:
            wanted = [word for word in self._form(label).split(" ") if word not in _SMALL]
            start, form = " ".join(tokens[: len(wanted)]), " ".join(wanted)
            alike = len(form) >= 6 and start[:1] == form[:1] and form.replace(" ", "").isalpha()
            if alike and SequenceMatcher(None, start, form, autojunk=False).ratio() >= _NEAR:
                near.add(label)
        return near.pop() if len(near) == 1 else None

    def has_longer(self, words: str) -> bool:
        """Whether `words` are the beginning of a longer form, and may be cut from it."""
        form = self._form(words)
        return any(other != form and other.startswith(form) for other in self._forms)

    @staticmethod
    def _form(words: str) -> str:
        form = _SLASH.sub(" / ", _JOINT.sub(" ", fold(unicodedata.normalize("NFC", words)).strip()))
        return form.rstrip(".") or form

    def _add(self, vary: Callable[[str], set[str]], *, alone: bool = False) -> set[str]:
        """Add the variants that belong to one form alone, of forms of one word where `alone`; returns them."""
        extra: dict[str, set[str]] = {}
        for form in list(self._forms):
            for other in () if alone and " " in form else vary(form):
                extra.setdefault(other, set()).add(self._forms[form][0])
        added = {other for other, labels in extra.items() if other not in self._forms and len(labels) == 1}
        self._forms |= {other: [extra[other].pop()] for other in added}
        return added


@lru_cache(maxsize=4096)
def lexicon(choices: tuple[str, ...], markers: bool, aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> Lexicon:
    """The `Lexicon` of these choices, built once."""
    return Lexicon(choices, markers=markers, aliases=aliases)


def _inflections(form: str) -> set[str]:
    plain = _ARTICLE.sub("", form)
    forms = {plain} if plain != form else set()
    for words in {form, plain}:
        head, _, last = words.rpartition(" ")
        forms.update(f"{head} {other}".strip() for other in _numbers(last))
        first, _, rest = words.partition(" ")
        if rest:
            forms.update(f"{other} {rest}" for other in _gerunds(first))
    return forms - {form}


def _numbers(word: str) -> set[str]:
    """The plural or singular of a noun, by its spelling."""
    if len(word) < 3 or not word.isalpha():
        return set()
    if word.endswith("ies") and len(word) > 4:
        return {word[:-3] + "y"}
    if word.endswith(("ches", "shes", "sses", "xes")):
        return {word[:-2]}
    if word.endswith("s"):
        return {word[:-1]} if len(word) > 3 and not word.endswith(("ss", "us", "is")) else {word + "es"}
    if word.endswith("y") and word[-2] not in _VOWELS:
        return {word[:-1] + "ies"}
    return {word + "es"} if word.endswith(("ch", "sh", "x", "z")) else {word + "s"}


def _gerunds(word: str) -> set[str]:
    """The plain form of an -ing form, or the other way round, by its spelling."""
    if len(word) < 3 or not word.isalpha():
        return set()
    if word.endswith("ing") and len(word) > 5:
        stem = word[:-3]
        short = {stem[:-1]} if stem[-1] == stem[-2] else set()
        return {stem, stem + "e"} | short
    stem = word[:-1] if word.endswith("e") else word
    return {stem + "ing", word + word[-1] + "ing"}


def _tenses(form: str) -> set[str]:
    """Other tenses of a choice that is one verb, by its spelling."""
    if len(form) < 4 or not form.isalpha():
        return set()
    if form.endswith("ed"):
        stems = {form[:-2]}
    elif form.endswith("ing"):
        stems = _gerunds(form)
    else:
        stems = {form}
    forms = set()
    for stem in stems:
        short = stem.removesuffix("e")
        forms |= {stem, stem + "e", short + "ing", short + "ed"} if stem != form else {short + "ing", short + "ed"}
    return forms - {form}


class PhraseFinder:
    """Finds phrases in folded text; the earlier of `phrases` are preferred where several begin together.

    Between the words of a phrase there may be any spaces, underscores and hyphens, and an article. No pattern is
    compiled: a multiple-choice task has a new set of phrases in every row, and compiling a pattern of them takes
    longer than all the rest of reading an answer.
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
        """The (start, end) of each phrase in the text, in order, none within another."""
        places = []
        for word, group in self._by_word.items():
            start = folded.find(word)
            while start != -1:
                for rank, words in group:
                    end = _phrase_end(words, folded, start)
                    if end:
                        places.append((start, rank, end))
                        break
                start = folded.find(word, start + 1)
        spans, reached = [], 0
        for start, _, end in sorted(places):
            if start >= reached:
                spans.append((start, end))
                reached = end
        return spans


def _phrase_end(words: tuple[str, ...], folded: str, start: int) -> int:
    """Where the phrase that begins at `start` with its first word ends; 0 where it does not stand there."""
    if words[0][:1].isalnum() and not _BEGINS.match(folded, start):
        return 0
    return _phrase_rest(words, 1, folded, start + len(words[0]))


def _phrase_rest(words: tuple[str, ...], at: int, folded: str, place: int) -> int:
    """Where the phrase ends of which words[:at] stand before `place`; 0 where the rest does not follow."""
    if at == len(words):
        last = words[-1][-1:]
        if last.isalnum() and not _ENDS.match(folded, place):
            return 0
        return 0 if last.isdigit() and not _ENDS_DIGIT.match(folded, place) else place
    between = _BETWEEN.match(folded, place)
    if not between and "/" in (words[at - 1], words[at]):
        between = _NOTHING.match(folded, place)
    if not between:
        return 0
    # Only a word that itself begins with a space or hyphen can begin within the space before it.
    least = place + 1 if not words[at][:1].strip(" \n_-") else between.end()
    for stop in range(between.end(), least - 1, -1):
        article = _PHRASE_ARTICLE.match(folded, stop)
        for begin in (article.end() if article else -1, stop):
            if begin >= 0 and folded.startswith(words[at], begin):
                end = _phrase_rest(words, at + 1, folded, begin + len(words[at]))
                if end:
                    return end
    return 0
