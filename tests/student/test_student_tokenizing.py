import subprocess
import sys

import pytest

from distill.student.tokenizing import encode, train_tokenizer

TEXTS = ["how big is a ladle next to a tram?", "larger", "smaller", "the first is hand sized"] * 3
SCRIPT = """
import sys
from distill.student.tokenizing import train_tokenizer
texts = ["how big is a ladle next to a tram?", "larger", "smaller", "the first is hand sized"] * 3
sys.stdout.write(train_tokenizer(texts, 600).backend_tokenizer.to_str())
"""


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, 600)


def test_same_tokenizer_in_another_process_and_another_order(tokenizer, pytestconfig):
    here = tokenizer.backend_tokenizer.to_str()
    path = str(pytestconfig.rootpath / "stages")
    there = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert there.stdout == here
    assert train_tokenizer(TEXTS[::-1], 600).backend_tokenizer.to_str() == here


def test_special_ids_follow_t5(tokenizer):
    assert tokenizer.convert_tokens_to_ids(["<pad>", "</s>", "<unk>", "<label>", "<rationale>"]) == [0, 1, 2, 3, 4]
    assert (tokenizer.pad_token_id, tokenizer.eos_token_id) == (0, 1)


def test_frequent_words_are_one_token_and_any_text_survives(tokenizer):
    assert len(encode(tokenizer, ["larger"], 99)[0][0]) == 2
    for text in ("larger", "naïve ☃ 12,5 %", "the first is hand sized"):
        ids = encode(tokenizer, [text], 99)[0][0]
        assert ids[-1] == 1
        assert 2 not in ids
        assert tokenizer.decode(ids, skip_special_tokens=True).strip() == text


def test_long_texts_are_cut_and_counted_and_keep_their_end(tokenizer):
    ids, cut = encode(tokenizer, ["larger", "the first is hand sized"], 4)
    whole, none = encode(tokenizer, ["larger", "the first is hand sized"], 99)
    assert (cut, none) == (1, 0)
    assert ids[0] == whole[0]
    assert ids[1] == [*whole[1][:3], 1]


def test_no_texts():
    assert encode(None, [], 5) == ([], 0)
