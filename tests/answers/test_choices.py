import pytest

from distill.answers.choices import apart, letter, lettered, place_of, with_choices


def test_choices_are_lettered():
    assert lettered(["x", "y z"]) == "(a) x\n(b) y z"


def test_letters_go_on_as_those_of_a_spreadsheets_columns():
    places = [0, 25, 26, 27, 51, 52, 701, 702]
    assert [letter(place) for place in places] == ["a", "z", "aa", "ab", "az", "ba", "zz", "aaa"]
    assert [place_of(letter(place)) for place in range(1000)] == list(range(1000))
    assert place_of("AB") == 27 and place_of("") is None and place_of("é") is None and place_of("1") is None


@pytest.mark.parametrize("text", ["Why?", "Answer choices:\n(a) a trap", "one\nAnswer choices:\n(a) x\n(b) y\nmore"])
@pytest.mark.parametrize(
    "choices", [("one",), ("no", "yes (b) no", "two\nlines"), tuple(f"choice {n}" for n in range(800))]
)
def test_question_and_choices_are_found_again(text, choices):
    assert apart(with_choices(text, choices)) == (text, choices)


def test_an_input_without_choices_is_all_question():
    assert apart("Which one?\nAnswer choices: none") == ("Which one?\nAnswer choices: none", ())
