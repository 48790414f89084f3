import pytest

from distill.answers.choices import apart, lettered, with_choices


def test_choices_are_lettered():
    assert lettered(["x", "y z"]) == "(a) x\n(b) y z"


@pytest.mark.parametrize("text", ["Why?", "Answer choices:\n(a) a trap", "one\nAnswer choices:\n(a) x\n(b) y\nmore"])
@pytest.mark.parametrize(
    "choices", [("one",), ("no", "yes (b) no", "two\nlines"), tuple(f"choice {n}" for n in range(26))]
)
def test_question_and_choices_are_found_again(text, choices):
    assert apart(with_choices(text, choices)) == (text, choices)


def test_an_input_without_choices_is_all_question():
    assert apart("Which one?\nAnswer choices: none") == ("Which one?\nAnswer choices: none", ())
