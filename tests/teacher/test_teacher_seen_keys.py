from __future__ import annotations

import hashlib

from distill.teacher.keys import SeenKeys


def key(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def test_every_key_is_new_once_and_the_table_grows():
    seen = SeenKeys()
    assert all(seen.add(key(number)) for number in range(5000))
    assert not any(seen.add(key(number)) for number in range(5000))
    assert len(seen) == 5000 and seen.add(key(5000))


def test_it_stays_small():
    seen = SeenKeys()
    for number in range(20_000):
        seen.add(key(number))
    assert seen._table.itemsize * len(seen._table) == 8 * 32_768


def test_a_key_that_begins_with_zeros_is_a_key():
    seen = SeenKeys()
    assert seen.add(bytes(32)) and not seen.add(bytes(32))
