"""Free-text answers."""

from distill.answers.parsing import Parsed, parse_response


def parse(text, **more):
    return parse_response(text, kind="text", **more)


def test_a_stated_answer():
    wanted = Parsed("Paris, on the Seine", "It is the capital.", "ok")
    assert parse("It is the capital.\nAnswer: Paris, on the Seine") == wanted
    assert parse("Answer: Paris, on the Seine\nRationale: It is the capital.") == wanted
    assert parse("Paris, on the Seine\n\nExplanation: It is the capital.") == wanted
    assert parse('It is the capital. So the answer is: "Paris, on the Seine"') == wanted
    assert parse("<rationale>It is the capital.</rationale><answer>Paris, on the Seine</answer>") == wanted


def test_text_without_a_statement():
    assert parse("Paris") == Parsed("Paris", None, "no_rationale")
    assert parse("Paris\nand Lyon", expect_rationale=False) == Parsed("Paris and Lyon", None, "ok")
    assert parse("It is the capital.\n\nPeople like it.").status == "no_label"
    assert parse("") == Parsed(None, None, "no_label")
    assert parse("I'm sorry, but I can't help with that.").status == "refusal"
    assert parse("Par", finish_reason="length").status == "truncated"
