"""How fast to ask: token buckets, concurrency that adapts, and pauses that the server asks for."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Mapping

_BURST_S = 1.0  # a bucket holds what its rate yields in this time
_NOTHING = 1e-9  # of a token: what rounding leaves
_CUT = 0.5
_LONGEST_PAUSE_S = 120.0  # that a header can cause, whatever it says
_LONG_PAUSE_S = 5.0  # of which the user is told, as nothing goes on meanwhile
_LONGEST_TEXT = 40  # characters of a duration
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d))+", re.ASCII)
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Bucket:
    """A token bucket that may go into debt: an amount above its size passes at once, and later calls wait for it."""

    def __init__(self, per_minute: float, now: float):
        self.rate = per_minute / 60
        self.size = self.level = max(1.0, self.rate * _BURST_S)
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds until something may be taken."""
        self.level = min(self.size, self.level + (now - self._at) * self.rate)
        self._at = now
        missing = 1.0 - self.level
        return missing / self.rate if missing > _NOTHING else 0.0

    def take(self, amount: float) -> None:
        """Takes the amount that a call is expected to use; a negative amount gives some back."""
        self.level -= amount


class Pace:
    """Decides when the next call may start. All times are seconds of a monotonic clock.

    Concurrency is halved once for a burst of rate-limit answers (those to calls that started before
    the cut count as the same burst) and grows again by one for each full round of good answers.
    """

    def __init__(self, concurrency: int, requests_per_minute: int | None, tokens_per_minute: int | None, now: float):
        self.most, self.limit = concurrency, float(concurrency)
        self._requests = Bucket(requests_per_minute, now) if requests_per_minute else None
        self._tokens = Bucket(tokens_per_minute, now) if tokens_per_minute else None
        self._cut_at = float("-inf")
        self._resume_at = float("-inf")

    def room(self, in_flight: int) -> bool:
        return in_flight < int(self.limit)

    def wait(self, now: float) -> float:
        """Seconds until a call may start."""
        waits = [bucket.wait(now) for bucket in (self._requests, self._tokens) if bucket]
        return max(0.0, self._resume_at - now, *waits)

    def start(self, tokens: int) -> None:
        """A call starts, expected to use so many tokens in all."""
        if self._requests:
            self._requests.take(1)
        if self._tokens:
            self._tokens.take(tokens)

    def answered(self, headers: Mapping[str, str], expected: int, used: int | None, now: float) -> float:
        """A call was answered: corrects the expected tokens, climbs, and heeds an allowance that is used up. Returns
        the seconds until there is one again, 0 where the server does not say that it is used up."""
        if self._tokens and used is not None:
            self._tokens.take(used - expected)
        self.limit = min(float(self.most), self.limit + 1 / self.limit)
        return self._heed(headers, now)

    def throttled(self, headers: Mapping[str, str], started: float, now: float) -> float:
        """The server answered 429; returns the seconds it asks us to wait, 0 where it does not say."""
        if started > self._cut_at:
            self._cut_at = now
            self.limit = max(1.0, self.limit * _CUT)
        pause = retry_after(headers)
        self._resume_at = max(self._resume_at, now + pause)
        self._heed(headers, now)
        return pause

    def _heed(self, headers: Mapping[str, str], now: float) -> float:
        pause = 0.0
        for name in ("requests", "tokens"):
            if headers.get(f"x-ratelimit-remaining-{name}") == "0":
                pause = max(pause, min(duration(headers.get(f"x-ratelimit-reset-{name}") or ""), _LONGEST_PAUSE_S))
        self._resume_at = max(self._resume_at, now + pause)
        return pause


def pause_warning(pause_s: float) -> list[tuple[str, str]]:
    """Why nothing goes on, by its name, where a server asks for a long pause."""
    if pause_s < _LONG_PAUSE_S:
        return []
    why = f"the server asks for a pause of {pause_s:.0f} s, as its rate limit is reached: no call starts meanwhile"
    return [("pause", f"{why}. Later pauses are kept too, {_LONGEST_PAUSE_S:g} s at most")]


def duration(text: str) -> float:
    """Seconds in "1s", "6m0s", "20ms" or a bare number; 0 where it is none of these, negative or not finite."""
    if len(text) > _LONGEST_TEXT:
        return 0.0
    try:
        seconds = float(text)
    except ValueError:
        parts = re.findall(r"([0-9.]+)([a-z]+)", text) if _DURATION.fullmatch(text) else ()
        seconds = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait as `retry-after-ms` or `Retry-After` (seconds or a date) say; 0 without either."""
    exact = headers.get("retry-after-ms")
    if exact:
        return min(duration(exact) / 1000, _LONGEST_PAUSE_S)
    value = headers.get("retry-after") or ""
    if value and not value.replace(".", "", 1).isdigit():
        try:
            return min(max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time()), _LONGEST_PAUSE_S)
        except (ValueError, OverflowError):
            return 0.0
    return min(duration(value), _LONGEST_PAUSE_S)
