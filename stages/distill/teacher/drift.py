"""Has the teacher changed? Stored rows are asked again, and the answers compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from distill.teacher.exchange import Reply, Request
from distill.teacher.teacher import Teacher


@dataclass(frozen=True, slots=True)
class Pair:
    """A row's stored answer and its new one."""

    row_id: str
    before: Reply
    after: Reply


def ask_again(teacher: Teacher, requests: Iterable[Request], draw: int) -> list[Pair]:
    """Pays for a new answer to each request that is stored; others are left out.

    The new answers are stored as draw number `draw` of their questions. So nothing is overwritten, a check that was
    interrupted goes on, and a number that was used before gives the answers of that check.
    """
    stored = {request.row_id: (request, reply) for request, reply in teacher.stored(requests)}
    again = [replace(request, sample=draw, purpose="drift") for request, _ in stored.values()]
    return [Pair(reply.row_id, stored[reply.row_id][1], reply) for reply in teacher.ask(again)]


def agreement(pairs: Sequence[Pair], labels: Sequence[tuple[str | None, str | None]]) -> dict[str, Any]:
    """Shares of pairs with the same label (of those where both have one) and the same text, the mean overlap
    of their words (Jaccard, 0 to 1), and how often each returned model string answered before and after.

    `labels` are the parsed labels before and after, in the order of `pairs`. Shares are None without pairs.
    """
    both = [(before, after) for before, after in labels if before is not None and after is not None]
    texts = [(pair.before.text or "", pair.after.text or "") for pair in pairs]
    overlaps = [_overlap(before, after) for before, after in texts]
    return {
        "rows": len(pairs),
        "label_agreement": sum(before == after for before, after in both) / len(both) if both else None,
        "labels_compared": len(both),
        "text_agreement": sum(before == after for before, after in texts) / len(texts) if texts else None,
        "word_overlap": sum(overlaps) / len(overlaps) if overlaps else None,
        "models_before": dict(Counter(pair.before.model or "unknown" for pair in pairs)),
        "models_after": dict(Counter(pair.after.model or "unknown" for pair in pairs)),
    }


def _overlap(before: str, after: str) -> float:
    words_before, words_after = set(before.lower().split()), set(after.lower().split())
    union = words_before | words_after
    return len(words_before & words_after) / len(union) if union else 1.0


def drift_report(comparison: dict[str, Any]) -> str:
    """The comparison (of `agreement`) for people, with a warning where the model's name has changed."""
    if not comparison["rows"]:
        return "no row of this prompt and teacher is stored; run annotate first"
    lines = [
        f"{comparison['rows']} stored rows asked again: {comparison['text_agreement']:.1%} the same text, "
        f"{comparison['word_overlap']:.1%} of the words shared"
    ]
    if comparison["labels_compared"]:
        lines.append(f"label: {comparison['label_agreement']:.1%} the same of {comparison['labels_compared']}")
    else:
        lines.append("label: none could be compared")
    before, after = comparison["models_before"], comparison["models_after"]
    if set(before) != set(after):
        lines.append(f"warning: the server's name for the model was {', '.join(before)} and is {', '.join(after)}")
    return "\n".join(lines)
