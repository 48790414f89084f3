"""The key, taken out of what servers send back: as it is, and in the forms in which a server or a proxy may echo it.

Each character may stand as itself, as an escape of JSON (\\u0073, \\/), of a URL (%73, %2573) or of HTML (&#115; &#x73;
&hyphen;), in either case, with characters of no width between. The whole may stand in base64, alone or as a part of a
longer text such as `Bearer KEY` or `user:KEY`, and in hexadecimal digits. What a server does to it beyond that
(encrypts, reverses, masks, tells in parts) is not seen.
"""

from __future__ import annotations

import base64
import re
from functools import cache

_SECRET_LENGTH = 16  # characters; "EMPTY", "ollama" and their like are shorter, providers' keys longer
_MARK = b"[key]"
_ENTITIES = {
    "-": "hyphen|dash|minus", "_": "lowbar|UnderBar", ".": "period", "/": "sol", "+": "plus", "=": "equals",
    ":": "colon", "*": "ast", "~": "tilde", "!": "excl", "$": "dollar", "@": "commat", "#": "num",
}  # fmt: skip
# Zero-width spaces and joiners, word joiner, byte-order mark, soft hyphen: in UTF-8, and as JSON has them.
_NO_WIDTH = (
    rb"(?:\xe2\x80[\x8b-\x8d]|\xe2\x81\xa0|\xef\xbb\xbf|\xc2\xad|\\u(?:200[b-dB-D]|2060|[fF][eE][fF]{2}|00[aA][dD])"
    rb"|&(?:shy|ZeroWidthSpace|zwj|zwnj);){0,4}"
)


def scrubbed(body: bytes, key: str) -> bytes:
    """The body without the key. A short key is a local server's dummy, and may be a word."""
    if len(key) < _SECRET_LENGTH:
        return body
    for pattern in _patterns(key):
        body = pattern.sub(_MARK, body)
    return body


@cache
def _patterns(key: str) -> tuple[re.Pattern[bytes], ...]:
    # The look ahead tells most places of a body apart before the forms of the first character are tried.
    first, second = (re.escape(f"{letter.lower()}{letter.upper()}".encode()) for letter in key[:2])
    begins = b"(?=[" + first + b"][" + second + rb"\\%&\xc2\xe2\xef]|[\\%&])"
    written = re.compile(begins + _NO_WIDTH.join(map(_character, key)))
    digits = re.compile(re.escape(key.encode().hex().encode()), re.IGNORECASE)
    return written, digits, *(re.compile(_in_base64(text)) for text in _base64_of(key))


def _character(character: str) -> bytes:
    """Every way in which a character of a key, which is ASCII, may be written."""
    letters = dict.fromkeys((character, character.swapcase()))
    itself = b"[" + re.escape("".join(letters).encode()) + b"]"
    codes = b"|".join(map(_digits, letters))
    decimals = b"|".join(str(ord(letter)).encode() for letter in letters)
    forms = [
        rb"\\{0,8}" + itself if character in "/\"'" else itself,
        rb"\\{1,8}(?:u00|x)(?:" + codes + b")",
        rb"%(?:25){0,4}(?:" + codes + b")",
        rb"&(?:amp;){0,4}#(?:0{0,6}(?:" + decimals + b")|[xX]0{0,6}(?:" + codes + b"));?",
    ]
    if character in _ENTITIES:
        forms.append(rb"&(?:amp;){0,4}(?:" + _ENTITIES[character].encode() + b");")
    return b"(?:" + b"|".join(forms) + b")"


def _digits(letter: str) -> bytes:
    """The two hexadecimal digits of a character, in either case."""
    return "".join(f"[{digit}{digit.upper()}]" for digit in f"{ord(letter):02x}").encode()


def _base64_of(key: str) -> list[bytes]:
    """The characters of base64 that the key alone decides, at each of the three places of a longer text."""
    stable = []
    for before in range(3):
        packed = base64.b64encode(bytes(before) + key.encode()).rstrip(b"=")
        first, bits = -(-before * 8 // 6), 8 * (before + len(key))
        stable.append(packed[first : bits // 6])
    return stable


def _in_base64(text: bytes) -> bytes:
    """Base64 in either alphabet, its signs perhaps escaped; the case of letters counts."""
    signs = {b"+": rb"(?:\+|-|%2[bB])", b"/": rb"(?:\\{0,8}/|_|%2[fF])"}
    parts = [signs.get(bytes([byte])) or re.escape(bytes([byte])) for byte in text]
    return b"".join(parts) + b"[A-Za-z0-9+/_-]{0,2}(?:=|%3[dD]){0,2}"
