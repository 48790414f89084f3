import pytest

from distill.student.tokenizing import candidate_tokens

END = 1
IDS = {"a": [5, END], "a b": [5, 6, END], "a c": [5, 7, END], "d": [8, END], "": [END], "unended": [5]}


@pytest.mark.parametrize(
    "row, expected",
    [
        (("a", "d"), [[5], [8]]),
        (("a", "a b"), [[5, END], [5, 6]]),
        (("a b", "a c"), [[5, 6], [5, 7]]),
        (("a", "a b", "a c", "d"), [[5, END], [5, 6], [5, 7], [8]]),
        (("", "d"), [[END], [8]]),
        (("unended", "d"), [[5], [8]]),
        (("a", "a"), [[5], [5]]),
    ],
)
def test_an_end_is_kept_where_another_candidate_goes_on(row, expected):
    assert candidate_tokens([row], lambda texts: [IDS[text] for text in texts], END) == [expected]


def test_rows_are_told_apart_each_for_itself_and_a_text_is_tokenized_once():
    asked = []

    def tokenize(texts):
        asked.extend(texts)
        return [IDS[text] for text in texts]

    found = candidate_tokens([("a", "d"), ["a", "a b"], ("a", "d")], tokenize, END)
    assert found == [[[5], [8]], [[5, END], [5, 6]], [[5], [8]]]
    assert sorted(asked) == ["a", "a b", "d"]
