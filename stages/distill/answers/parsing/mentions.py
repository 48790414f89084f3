"""Where a text names a choice: by its words, its letter or its number."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from distill.answers.choices import letter
from distill.answers.parsing.clauses import is_entertained
from distill.answers.parsing.folding import UNSPACED, straighten
from distill.answers.parsing.languages import is_other_language, union
from distill.answers.parsing.lexicon import Lexicon

_TEXT_AFTER_MARKER = re.compile(r"[\s:.,\-–—)\]}\"'*_`]{0,8}(?:(?:an?|the|to)\s)?")
_MARKER_AFTER_TEXT = re.compile(r"[\s\"'*_`,]{0,4}")
_NEGATION = re.compile(
    r"(?:\b(?:not|no|never|cannot|neither|nor|unlike|except|excluding|than|instead of|as opposed to|without)|n't)"
    r"[\s\"'*_`(\[:]+(?:(?:an?|the|be|to|in|at|on|option|choice|letter|answer|really|necessarily|just being|being)"
    r"[\s\"'*_`(\[:]+){0,4}\Z"
)
_OTHER_NEGATION = re.compile(rf"(?:{union('denial')})[\s\"'*_`(]*\Z")
_OTHER_DENIAL = re.compile(rf"[\s\"'*_`)]*(?:{union('denial_after')})")
_DENIAL = re.compile(
    r"[\s\"'*_`)\]},]*(?:(?:is|are|was|were|would|does|do|did|can|could|may|might|has|have|will)(?:n't|"
    r"\s+not\b|\s+never\b)"
    r"|cannot\b|can't\b|won't\b|(?:is|are|was|were|would be|seems?|can be)\s+(?:\w+\s+){0,2}"
    r"(?:incorrect|wrong|irrelevant|unlikely|eliminated|excluded|ruled out)\b"
    r")"
)
# Between the members of a list of choices.
_LINK = re.compile(
    r"[\s,;/|&*_\"'`()\[\]{}:•\-]*(?:\b(?:and|or|nor|vs|versus|both|either|maybe|possibly|potentially|perhaps|also|"
    r"even|partly|partially|equally|as well as|along with|"
    r"together with|combined with|plus|a bit of|some|an?|the|in|at|to|on|option|choice)\b"
    r"[\s,;/|&*_\"'`()\[\]{}:.\-]*){0,6}"
)
_JOINED = re.compile(r"[/|&]|\b(?:and|or|nor|vs|versus|as well as|along with|together with|combined with|plus)\b")
# The 5 of "4 out of 5" is the end of a scale.
_OUT_OF = re.compile(r"(?:\b(?:out\s+of|\d\s+of)(?:\s+a\s+(?:possible|total)(?:\s+of)?)?\s*|\d\s?/\s?)\Z")
# Letters and digits of scripts that put spaces between words.
_WORD = rf"[^\W_{UNSPACED}]"
_IN_WORD = "a-zA-Z0-9_\u00c0-\u0dff\u0e80-\u2fff"
_QUESTION_MARK = re.compile(r"[\s\"'*_`)\]}.]*\?")


@dataclass(frozen=True, slots=True)
class Mention:
    """One naming of a choice at text[start:end].

    `bare` marks a lone letter or number, which names a choice only where an answer
    is due. `denied` says that the text rules it out. `unclaimed` says that it is part
    of a list of options, or of a question left open, rather than a claim. `rivals`
    are the other choices that are named in the same breath.
    """

    start: int
    end: int
    label: str
    bare: bool = False
    denied: bool = False
    unclaimed: bool = False
    rivals: tuple[str, ...] = ()


def find_mentions(text: str, folded: str, spans: list[tuple[int, int]], lexicon: Lexicon) -> list[Mention]:
    """Every mention of a choice in `text`, in order; `folded` is its folded form, `spans` are its sentences."""
    mentions = [
        Mention(start, end, lexicon.label_of(text[start:end]), bare=lexicon.is_loose(folded[start:end]))
        for start, end in lexicon.find(folded)
    ]
    if lexicon.markers:
        mentions = _merge(mentions, _markers(straighten(text), lexicon), folded)
    mentions = [m for m in mentions if not _OUT_OF.search(folded, max(0, m.start - 12), m.start)]
    other = is_other_language(folded)
    mentions = [replace(m, denied=True) if _denied(m, folded, other) else m for m in mentions]
    begins = [begin for begin, _ in spans]
    mentions = [
        replace(mention, unclaimed=True)
        if is_entertained(
            folded,
            begins[bisect_right(begins, mention.start) - 1],
            mention.start,
            mention.end,
            by_name=lexicon.markers,
            other=other,
        )
        else mention
        for mention in mentions
    ]
    return _mark_lists(mentions, folded, lexicon)


def _markers(text: str, lexicon: Lexicon) -> list[Mention]:
    begins, marker = _marker_patterns(len(lexicon.choices))
    markers, reached = [], 0
    for begin in begins.finditer(text):
        match = marker.match(text, begin.start()) if begin.start() >= reached else None
        if not match:
            continue
        reached, group = match.end(), match.lastgroup
        label = lexicon.label_at(match[group])
        if label is not None:
            markers.append(Mention(match.start(), match.end(), label, bare=group in ("dotted", "alone")))
    return markers


@lru_cache(maxsize=32)
def _marker_patterns(count: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """(where a marker may begin, the marker): the first is quick and passes most places over."""
    last = letter(min(count, 26) - 1)
    plain = f"[a-{last}A-{last.upper()}]"
    # Behind z come aa, ab, …: in lower case words as well, so that they count in brackets alone.
    double = "|".join(letter(place).upper() for place in range(26, min(count, 702)))
    name = rf"{double}|{plain}|[1-9]\d?" if double else rf"{plain}|[1-9]\d?"
    any_name = rf"{double}|{double.lower()}|{plain}|[1-9]\d?" if double else name
    first = f"[a-zA-Z]{{1,2}}(?!{_WORD})" if double else f"{plain}(?!{_WORD})"
    begins = re.compile(rf"[(\[{{]|(?<!{_WORD})(?={first}|[1-9]|[oO][pP][tT][iI]|[cC]hoic|[lL]ette)")
    return begins, re.compile(
        rf"(?<!\w)[(\[{{]\s*[\"'*]*(?P<bracketed>{any_name})[\"'*]*\s*[)\]}}]"
        rf"|(?<![{_IN_WORD}(.-])(?P<half>{any_name})\s?\)"
        rf"|\b(?:option|choice|Option|Choice|OPTION|letter|"
        rf"Letter)s?\s*[#:]?\s*[(\"'*]{{0,4}}(?P<called>{name})(?![\w'’-])\)?"
        rf"(?!\s+[a-z])"
        rf"|\b(?:option|choice|Option|Choice)\s+(?P<named>[b-{max(last, 'b')}A-{last.upper()}]|[1-9]\d?)(?![\w'’-])"
        rf"|(?<![^\s*_\"'“$({UNSPACED}])(?P<dotted>{name})[.:](?=[\s*\"']|\Z)"
        rf"|(?<![{_IN_WORD}'’.-])(?P<alone>{name})(?![{_IN_WORD}'’-])(?=["
        rf" \t]*(?:[\"'”*_)\]}}.,;:!$\\–—{UNSPACED}-]|because\b|since\b|as\b|\n|\Z))(?!\.\d)"
    )


def _merge(texts: list[Mention], markers: list[Mention], folded: str) -> list[Mention]:
    """One mention for each marker with its choice's words; the words have the last say."""
    mentions, pool = [], list(texts)
    taken: set[int] = set()
    begins = {mention.start: at for at, mention in enumerate(pool)}
    ends = {mention.end: at for at, mention in enumerate(pool)}
    inside = _cover(pool)
    for marker in markers:
        covered = {inside[at] for at in range(marker.start, marker.end) if at in inside}
        after = _TEXT_AFTER_MARKER.match(folded, marker.end)
        at = begins.get(after.end(), begins.get(marker.end))
        if covered:
            # Where a choice is itself "3", the 3 of "3) 120" is a marker only if 120 is third.
            if at is None or at in covered or pool[at].label != marker.label:
                continue
            taken |= covered
        if at is not None and at not in taken:
            taken.add(at)
            mentions.append(replace(pool[at], start=marker.start))
            continue
        gap = next((end for end in range(marker.start, max(marker.start - 5, -1), -1) if end in ends), None)
        free = gap is not None and not marker.bare and ends[gap] not in taken
        if free and _MARKER_AFTER_TEXT.fullmatch(folded, gap, marker.start):
            taken.add(ends[gap])
            mentions.append(replace(pool[ends[gap]], end=marker.end))
            continue
        mentions.append(marker)
    mentions += [mention for at, mention in enumerate(pool) if at not in taken]
    return sorted(mentions, key=lambda mention: (mention.start, mention.end))


def _cover(mentions: list[Mention]) -> dict[int, int]:
    """The place in `mentions` of the one that covers each character."""
    return {at: place for place, mention in enumerate(mentions) for at in range(mention.start, mention.end)}


def _denied(mention: Mention, folded: str, other: bool) -> bool:
    before = folded[max(0, mention.start - 60) : mention.start]
    if other and (_OTHER_NEGATION.search(before[-16:]) or _OTHER_DENIAL.match(folded, mention.end)):
        return True
    return bool(_NEGATION.search(before)) or bool(_DENIAL.match(folded, mention.end, mention.end + 60))


def _mark_lists(mentions: list[Mention], folded: str, lexicon: Lexicon) -> list[Mention]:
    """Mark the members of lists: of an echoed one as `listed`, of others as `rivals`."""
    marked: list[Mention] = []
    for run in _lists(mentions, folded):
        labels = tuple(dict.fromkeys(mention.label for mention in run))
        if len(labels) < 2:
            marked += run
            continue
        links = [folded[a.end : b.start] for a, b in pairwise(run)]
        joined = any(_JOINED.search(link) for link in links)
        if len(labels) == 2 and not joined and (len(lexicon.labels) > 2 or not all(link.strip() for link in links)):
            marked += run
            continue
        echo = len(labels) == len(lexicon.labels) or bool(_QUESTION_MARK.match(folded, run[-1].end))
        denied = all(mention.denied for mention in run) or (run[-1].denied and _denial_after(run[-1], folded))
        marked += [
            replace(
                mention,
                unclaimed=echo or any(member.unclaimed for member in run),
                denied=mention.denied or denied,
                rivals=tuple(label for label in labels if label != mention.label),
            )
            for mention in run
        ]
    return marked


def _denial_after(mention: Mention, folded: str) -> bool:
    return bool(_DENIAL.match(folded, mention.end, mention.end + 60))


def _lists(mentions: list[Mention], folded: str) -> list[list[Mention]]:
    """The runs of mentions. Of "in A or B, C is …" the last is none of the list."""
    lists: list[list[Mention]] = []
    for run in _runs(mentions, folded):
        joined = [bool(_JOINED.search(folded, a.end, b.start)) for a, b in pairwise(run)]
        if len(run) > 2 and any(joined) and not joined[-1]:
            lists += [run[:-1], run[-1:]]
        else:
            lists.append(run)
    return lists


def _runs(mentions: list[Mention], folded: str) -> list[list[Mention]]:
    """The mentions in groups between whose members there is nothing but links."""
    runs: list[list[Mention]] = []
    for mention in mentions:
        if runs:
            last = runs[-1][-1]
            if mention.start - last.end <= 40 and _LINK.fullmatch(folded, last.end, mention.start):
                runs[-1].append(mention)
                continue
        runs.append([mention])
    return runs
