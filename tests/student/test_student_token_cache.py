import pytest

from distill import paths
from distill.student import token_cache
from distill.student.tokenizing import encode, train_tokenizer

TEXTS = ["how big is a ladle next to a tram?", "larger", "", "the first is hand sized"]


@pytest.fixture
def tokenizer(monkeypatch):
    monkeypatch.setattr(token_cache, "FEWEST", 2)
    return train_tokenizer(TEXTS, 600)


def files():
    return sorted(paths.tokens().iterdir()) if paths.tokens().exists() else []


def test_what_was_tokenized_is_read_back_without_the_tokenizer(tokenizer, monkeypatch):
    made = encode(tokenizer, TEXTS, 4)
    assert made[1] == 2 and len(files()) == 1
    monkeypatch.setattr("distill.student.tokenizing._encoded", lambda *_: pytest.fail("tokenized again"))
    assert encode(tokenizer, TEXTS, 4) == made


def test_another_text_limit_side_or_tokenizer_is_another_file(tokenizer):
    other = train_tokenizer([*TEXTS, "another"], 600)
    asked = [
        (tokenizer, TEXTS, 4),
        (tokenizer, TEXTS, 9),
        (tokenizer, TEXTS, 4, True),
        (tokenizer, TEXTS[::-1], 4),
        (other, TEXTS, 4),
    ]
    asked.append((tokenizer, ["how big is a ladle next to a tram?larger", "", *TEXTS[2:]], 4))
    for one in asked:
        encode(*one)
    assert len(files()) == len(asked)


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-3], lambda data: data[:50] + b"x" + data[51:], lambda data: b""]
)
def test_a_damaged_file_is_made_anew_and_so_said(tokenizer, capsys, damage):
    made = encode(tokenizer, TEXTS, 9)
    (file,) = files()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert encode(tokenizer, TEXTS, 9) == made
    assert f"{file}: damaged" in capsys.readouterr().err and files() == [file] and file.read_bytes() == whole


def test_few_texts_are_not_kept_and_no_more_than_the_newest_files(tokenizer, monkeypatch):
    encode(tokenizer, TEXTS[:1], 9)
    assert files() == []
    monkeypatch.setattr(token_cache, "MOST_FILES", 2)
    for most in (5, 6, 7):
        encode(tokenizer, TEXTS, most)
    assert len(files()) == 2


def test_where_nothing_can_be_written_tokens_are_made_all_the_same(tokenizer, capsys):
    paths.tokens().parent.mkdir(parents=True)
    paths.tokens().write_text("a file in the way")
    assert len(encode(tokenizer, TEXTS, 9)[0]) == 4
    assert "tokens are not kept" in capsys.readouterr().err
