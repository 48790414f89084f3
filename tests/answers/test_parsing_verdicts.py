"""What is said of a claim, a review or a message, in free wording: verdicts, corrections, and what claims nothing."""

from hypothesis import given, settings
from hypothesis import strategies as st

from distill.answers.parsing import parse_response
from distill.answers.parsing.folding import fold, sentences

FIXED = settings(derandomize=True, deadline=None, max_examples=600)
LABELS = [
    ("true", "false", "inconclusive"),
    ("entailment", "neutral", "contradiction"),
    ("positive", "negative", "neutral"),
    ("plausible", "implausible", "open"),
    ("spam", "ham"),
]
REASONS = [
    "The note gives the opening hours.",
    "Nobody is seen near the gate, which is locked.",
    "A wall was built there in 1931. It still stands.",
]
VERDICTS = [
    "{reason} Therefore, the statement is {label}.",
    "{reason} Hence, the hypothesis is {label}.",
    "{reason} So the hypothesis is {label}.",
    "The claim is {label}. {reason}",
    'The statement "The lamp burns. It did so last night." is {label}. {reason}',
    "The hypothesis that the gate, which is old, is green is {label}. {reason}",
    "Based on the premise, the claim is {label}. {reason}",
    "{reason} As a result, it is {label}.",
    "It is {label} because the gate is locked.",
    "{reason} Thus, we can conclude that the statement is {label}.",
    "{reason} This makes the claim {label}.",
    "The premise says nothing of hours, which makes the claim {label}.",
    "{reason} The hypothesis would be {label}.",
    "{reason} The statement can be deemed {label}.",
    "{reason} The claim should be considered {label}.",
    "{reason} Therefore the claim must be {label}.",
    '{reason} The claim "He sleeps" is therefore {label}.',
    "{label}. {reason}",
    "{label}: {reason}",
    "**{label}**\n\n{reason}",
    "{reason}\n\n{label}",
    "{reason}\n\n**{label}**",
    "The statement is {label}, as the gate is locked.",
    "The claim is {label} since 2003 is not named.",
    "{reason} I would say that the claim is {label}.",
    "{reason} I believe the statement is {label}.",
    "The given hypothesis is {label} based on the premise. {reason}",
    "The statement is '{label}'. {reason}",
    "{reason} The relationship between the two is {label}.",
    "{reason} The label should be {label}.",
    "{reason} The relation is one of {label}.",
    "{reason} Final verdict: {label}",
    "{reason} Verdict - {label}",
    "{reason} My answer: {label}.",
    'The claim, "It is open," is {label}. {reason}',
    "The claim is likely {label}. {reason}",
    "{reason} We therefore classify the claim as {label}.",
    "{reason} Therefore: {label}.",
    "{reason} => {label}",
    "{reason} The correct classification is {label}.",
    "{reason} So, {label}.",
    "{reason} In conclusion, the answer is {label}.",
    "{reason} Conclusion: The claim is {label}.",
    "Answer: {label}. {reason}",
    "<label>{label}</label> {reason}",
    "Yes, that is right: the claim is {label}. {reason}",
    "Label: {label}\nConfidence: high",
    "- **Label**: {label}\n- **Reason**: {reason}",
    "| label | {label} |\n| reason | x |",
    "Classification = {label}",
    "[{label}] {reason}",
    "({label}) {reason}",
    "{reason} That makes it {label}.",
    "The gate is locked, making the statement {label}.",
    "The gate is locked, rendering the hypothesis {label}.",
    "Since the gate is locked, the statement is {label}.",
    'Because the gate is locked, the claim "It is open" is {label}.',
    "While the gate is old, the claim is {label}.",
    "Although it may seem open, the claim is {label}.",
    "The statement that he sleeps is {label} given that he works.",
    "The claim is {label} according to the note.",
    "It can be concluded that the claim is {label}.",
    "One can say the claim is {label}.",
]
CORRECTED = [
    "At first sight the claim seems {other}. But the gate is locked, so the claim is {label}.",
    "The answer is {other}. Wait, no: it is {label}.",
    "Answer: {other}\n\nCorrection: the answer is {label}.",
    "The answer is {other}. On second thought, the answer is {label}.",
    "I first thought {other}, but the answer is {label}.",
    "The claim is not {other} but {label}.",
    "The claim is {label}, not {other}.",
    "The claim is neither {other} nor {third}; it is {label}.",
    "Rather than {other}, the claim is {label}.",
    "Answer: {other}. Actually, let me correct that. Answer: {label}.",
    "The answer is {other}... no, the answer should be {label}.",
    "The label is {other}. Hmm, looking again, the label is instead {label}.",
    "The answer is {other}. Scratch that, it is {label}.",
    "Let me reconsider. The answer was {other}, but the correct answer is in fact {label}.",
    "So the answer is {other}. Sorry, I made a mistake. The answer is {label}.",
    "Initially I labelled it as {other}. I change my answer to {label}.",
]
OF_REVIEWS = [
    "{reason} The sentiment is {label}.",
    "{reason} The overall sentiment of the review is {label}.",
    "The review expresses a {label} sentiment. {reason}",
    "The tone is {label}. {reason}",
    "The review is {label}. {reason}",
    "{reason} This is a {label} review.",
    "The text has a {label} tone. {reason}",
    "{reason} Overall, the review is {label}.",
    "{reason} The customer has a {label} opinion.",
    "I would classify this review as {label}. {reason}",
    "I would label this {label}. {reason}",
    "The writer feels {label} about it.",
]
OPEN = [
    "We cannot determine whether the claim is {label}.",
    "It is unclear if the statement is {label}.",
    "There is not enough information to say whether it is {label} or {other}.",
    "It is hard to say if the claim is {label}.",
    "The note does not say if the claim is {label}.",
    "It is impossible to know whether the hypothesis is {label} from the note.",
    "More context is needed to decide whether the statement is {label}.",
    "The claim could be {label} or {other}.",
    "The claim may be {label}, but it may also be {other}.",
    "If the gate were open, the claim would be {label}.",
    "The claim would be {label} if the gate were open.",
    "We need to find out whether the claim is {label}.",
    "No, we cannot say that the claim is {label}.",
    "It cannot be confirmed that the statement is {label}.",
    "One cannot conclude that the hypothesis is {label}.",
    "The premise does not prove that the claim is {label}.",
    "There is no evidence that the claim is {label}.",
    "It is not possible to determine, from the note alone, that the claim is {label}.",
    "Is the claim {label}?",
    "The claim might be {label}.",
    "It depends on whether the claim is {label}.",
    "I am unsure whether this is {label}.",
    "The question is whether the statement is {label}.",
    "Without more facts, one cannot tell if this is {label} or {other}.",
    "It is neither {label} nor {other}.",
    "The options are {label}, {other} and {third}.",
    "We are asked if the claim is {label}.",
    "To be {label}, the claim would have to name hours.",
    "For the claim to be {label}, the note would have to name hours.",
    "The claim is not necessarily {label}.",
    "Assuming it is open, the claim is {label}; otherwise it is {other}.",
    "This does not make the claim {label}.",
    "The claim is not {label}.",
]


answers = st.sampled_from(LABELS).flatmap(lambda names: st.tuples(st.just(names), st.permutations(names)))


def read(template, answer, reason):
    names, drawn = answer
    text = template.format(label=drawn[0], other=drawn[1], third=drawn[-1], reason=reason)
    return text, parse_response(text, kind="classes", choices=names).label


@FIXED
@given(st.sampled_from(VERDICTS + OF_REVIEWS), answers, st.sampled_from(REASONS))
def test_a_verdict_is_read_whatever_its_wording(template, answer, reason):
    text, label = read(template, answer, reason)
    assert label == answer[1][0], text


@FIXED
@given(st.sampled_from(CORRECTED), answers, st.sampled_from(REASONS))
def test_the_last_answer_that_is_stated_as_the_answer_wins(template, answer, reason):
    text, label = read(template, answer, reason)
    assert label == answer[1][0], text


@FIXED
@given(st.sampled_from(OPEN), answers)
def test_what_is_only_entertained_is_no_label(template, answer):
    text, label = read(
        template, (answer[0], [name for name in answer[1] if name not in ("inconclusive", "neutral", "open")]), ""
    )
    assert label is None, text


@FIXED
@given(
    st.sampled_from(["inconclusive", "unclear", "neutral", "undetermined"]),
    st.sampled_from(
        [
            "It is {label} whether the claim is {yes} or {no}.",
            "{reason} Hence it is {label} if the claim is {yes}.",
            "One cannot say that the claim is {yes}, so it is {label}.",
            "The claim is {label} and can not be called {yes} or {no}.",
            "There is no way to know whether it is {yes}, which makes it {label}.",
            "We cannot tell from the note, so the claim is {label}.",
            "The claim is {label}: it may be {yes}, and it may be {no}.",
        ]
    ),
    st.sampled_from([("true", "false"), ("right", "wrong"), ("correct", "incorrect")]),
    st.sampled_from(REASONS),
)
def test_what_cannot_be_told_is_the_class_that_says_so(label, template, words, reason):
    text = template.format(label=label, yes=words[0], no=words[1], reason=reason)
    assert parse_response(text, kind="classes", choices=(*words, label)).label == label, text


@FIXED
@given(
    st.sampled_from(["1", "2", "3", "4", "5"]),
    st.sampled_from(
        [
            "I would rate this film {label} out of 5 because it drags.",
            "{label} out of 5. It drags.",
            "{label}/5. It drags.",
            "It drags for 90 minutes. Rating: {label}",
            "I give it {label} stars, as 3 scenes drag.",
            "It has 2 good scenes. The rating is {label}/5.",
            "It has 2 good scenes. I'd score it {label}.",
            "A {label} out of 5 from me. The answer is {label}.",
        ]
    ),
)
def test_a_class_on_a_scale(label, template):
    text = template.format(label=label)
    assert parse_response(text, kind="classes", choices=("1", "2", "3", "4", "5")).label == label, text


def test_a_number_in_passing_is_no_class_on_a_scale():
    for text in ("It has 2 good scenes.", "There are 3 of them.", "It is 4 years old.", "The film is 2 hours long."):
        assert parse_response(text, kind="classes", choices=("1", "2", "3", "4", "5")).label is None, text


def test_what_is_quoted_is_one_sentence_and_says_nothing_itself():
    text = 'The claim "It is true. It holds." is false. That is all.'
    assert [text[begin:end] for begin, end in sentences(text)] == [
        'The claim "It is true. It holds." is false.',
        " That is all.",
    ]
    assert parse_response(text, kind="classes", choices=("true", "false")).label == "false"
    assert fold("“Ｔrue”：「no」") == '"true":"no"'
