"""A key that a server echoes is taken out in every form that the module promises, and nothing else is."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from itertools import product

import pytest

from distill.teacher.scrubbing import scrubbed

KEYS = ("sk-this-is-the-secret-0123456789", "sk-ant_Ab/Cd+Ef=Gh.Ij~Kl0123456789", "0123456789abcdef0123456789abcdef")


def escaped(key: str, form: str) -> str:
    return "".join(form.format(code=ord(character)) for character in key)


FORMS = {
    "itself": lambda key: key,
    "upper case": str.upper,
    "JSON escapes": lambda key: escaped(key, "\\u{code:04x}"),
    "JSON escapes in upper case": lambda key: escaped(key, "\\u{code:04X}"),
    "JSON in JSON": lambda key: json.dumps(json.dumps(escaped(key, "\\u{code:04x}"))),
    "an escaped slash": lambda key: key.replace("/", "\\/"),
    "percent": lambda key: escaped(key, "%{code:02x}"),
    "percent of some": lambda key: urllib.parse.quote(key, safe=""),
    "percent twice": lambda key: escaped(key, "%25{code:02X}"),
    "decimal entities": lambda key: escaped(key, "&#{code};"),
    "hexadecimal entities": lambda key: escaped(key, "&#x{code:X};"),
    "named entities": lambda key: (
        html.escape(key).replace("-", "&hyphen;").replace("/", "&sol;").replace("=", "&equals;")
    ),
    "escaped ampersands": lambda key: escaped(key, "&amp;#{code:03};"),
    "a zero-width space in it": lambda key: key[:5] + "\u200b" + key[5:],
    "a soft hyphen as JSON": lambda key: key[:9] + "\\u00ad" + key[9:],
    "every second": lambda key: "".join(escaped(c, "\\u{code:04x}") if at % 2 else c for at, c in enumerate(key)),
    "hexadecimal digits": lambda key: key.encode().hex(),
}


@pytest.mark.parametrize(("name", "key"), [*product(FORMS, KEYS)])
def test_a_key_is_taken_out_of_whatever_form_it_is_echoed_in(name, key):
    echo = FORMS[name](key)
    body = json.dumps({"text": "before"})[:-2].encode() + b" " + echo.encode() + b' after"}'
    cleaned = scrubbed(body, key)
    assert b"[key]" in cleaned and echo.encode() not in cleaned
    assert cleaned.startswith(b'{"text": "before ') and cleaned.endswith(b' after"}')
    whole = json.dumps({"text": f"before {key} after"}).encode()
    assert json.loads(scrubbed(whole, key)) == {"text": "before [key] after"}


@pytest.mark.parametrize(("head", "key"), [*product(["", "Bearer ", "user:", "x", "xy", "xyz"], KEYS)])
@pytest.mark.parametrize("pack", [base64.b64encode, base64.urlsafe_b64encode])
def test_no_part_of_a_key_is_left_in_base64(head, key, pack):
    for tail in ("", "\n", "ab", "abc"):
        packed = pack((head + key + tail).encode()).decode()
        for written in (packed, packed.replace("/", "\\/"), urllib.parse.quote(packed, safe="")):
            left = scrubbed(f'{{"text": "{written}"}}'.encode(), key).decode()
            assert "[key]" in left and packed not in left
            kept = left.removeprefix('{"text": "').partition("[key]")[0]
            decoded = base64.urlsafe_b64decode(kept.replace("+", "-").replace("/", "_") + "=" * (-len(kept) % 4))
            assert not decoded.decode(errors="ignore").removeprefix(head).startswith(key[:4])


def test_other_text_stays_and_a_short_key_is_a_word():
    body = json.dumps({"text": "sky-blue & 50 % of <b>sk-this-is-another</b> \\ \u200b é " * 50}).encode()
    assert scrubbed(body, KEYS[0]) == body
    assert scrubbed(b"the model is ollama", "ollama") == b"the model is ollama"


@pytest.mark.parametrize("text", ["\\" * 50_000, "&" + "amp;" * 20_000, "%" + "25" * 20_000, "s" + "\\u200b" * 9_000])
def test_no_body_makes_the_search_long(text):
    """Each repetition in the pattern has an end; without one these are quadratic."""
    assert scrubbed(text.encode(), KEYS[0]) == text.encode()
