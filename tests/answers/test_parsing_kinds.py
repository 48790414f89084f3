"""Free wording, kind by kind: which option a text settles on, and where it settles on none."""

import pytest

from distill.answers.parsing import parse_response

PLACES = ("garage", "attic", "wooden box", "harbour", "stove")
SETTLED = [
    ("Keeping them in a wooden box in the attic is the most sensible choice, as it is dry.", "wooden box"),
    ("A wooden box near the stove would be the best option.", "wooden box"),
    ("The wooden box from the attic is the correct answer.", "wooden box"),
    ("Storing tools at the garage by the harbour seems to be the most suitable option.", "garage"),
    ("Be it in the garage or at the attic, a wooden box is the best choice.", "wooden box"),
    ("Whether in the garage or in the attic, a wooden box would be the best option.", "wooden box"),
    ("While the garage is cold, the attic is the most suitable option.", "attic"),
    ("Although many choose the garage, the best option is the attic.", "attic"),
    ("Of the options, storing it in the attic makes the most sense.", "attic"),
    ("Among these, the attic is the most fitting.", "attic"),
    ("The answer is garage. No, sorry, the answer is attic.", "attic"),
    ("The answer is (a) garage. Wait, cars do not fit. The answer is actually (b) attic.", "attic"),
    ("I'd pick the garage... hmm, actually I'd pick the attic.", "attic"),
    ("At first I would choose (a). On reflection, I choose (c).", "wooden box"),
    ("(a) garage? No. (b) attic? No. The answer must be (d) harbour.", "harbour"),
    ("The answer is B.", "attic"),
    ("B", "attic"),
    ("b.", "attic"),
    ("Option 3", "wooden box"),
    ("The answer is option C: wooden box", "wooden box"),
    ("**C. wooden box**", "wooden box"),
    ("$\\boxed{D}$", "harbour"),
    ("Answer: [B]", "attic"),
    ("The correct option is: B) attic", "attic"),
    ("## Final answer\n\n(b)", "attic"),
    ("**Answer**\nattic\n\n**Why**\nIt is dry.", "attic"),
    ("# Answer\nB\n# Reason\nIt is dry there.", "attic"),
    ('{"choice_letter": "B", "why": "It is dry there."}', "attic"),
    ("{'final': 'attic'}", "attic"),
    ('{"pick": "(b) attic"}', "attic"),
    ('{"answer": {"letter": "B", "text": "attic"}}', "attic"),
    ("Place: attic\nIt is dry there.", "attic"),
    ("My choice - attic", "attic"),
    ("Selected: B", "attic"),
    ("The best choice is to use a wooden box and be done.", "wooden box"),
    ("The answer is neither the garage nor the attic; it is the harbour.", "harbour"),
    ("The garage is not the best option; the attic is.", "attic"),
    ("So the answer is the stove, not the attic.", "stove"),
    ("The answer is not garage, attic, wooden box or harbour, but stove.", "stove"),
    ("People often keep things in a garage or attic. The answer is wooden boxes.", "wooden box"),
]
UNSETTLED = [
    "It may vary.\n\n1. Garage: It is cold.\n2. Attic: This means that it is dry.\n3. Wooden box: handy.\n\n"
    "Finally, option 4, harbour, is wet.\n\nThus none of these can be chosen for certain.",
    "All could work. Finally, the harbour is far away. In the end no single option is right.",
    "In general, a mix of garage, attic, and maybe harbour, together with some stove, would be the ideal choice.",
    "The garage, the attic and the harbour are all good options.",
    "The best option is the garage for cars, the attic for clothes and the harbour for boats.",
    "For cars the garage is best. For clothes the attic is best. For boats the harbour is best.",
    "If you own a car, the garage is the best choice. If you own a boat, the harbour is the best choice.",
    "If it is to be warm, the best option would be the stove; if dry, the best option would be the attic.",
    "It's difficult to say whether the garage would be best.",
    "It is hard to tell if picking the attic is the right choice.",
    "One could wonder if the harbour is the answer.",
    'The most fitting choice would be "attic, harbour."',
    "None of the above.",
    "It depends on the person.",
    "Both garage and attic.",
]
UNTOLD = [
    "We do not know if the statement is {}.",
    "It can't be determined from the text whether the claim is {}.",
    "The text gives no way to check whether the claim is {}.",
    "No, it isn't possible to conclude that the statement is {} from the text.",
    "Further facts would be needed to judge if the claim is {}.",
    "I can't tell if that is {} or not.",
    "There isn't sufficient information to conclude the statement is {}.",
    "We would need to know more before saying that the claim is {}.",
    "Nothing in the text confirms that the claim is {}.",
    "The text neither says nor implies that the claim is {}.",
    "Without further details it is difficult to ascertain whether the claim is {}.",
    "Whether the statement is {} remains open.",
    "It remains to be seen whether this is {}.",
    "The text does not provide enough information to establish if the statement is {}.",
    "Hard to say if it's {}.",
    "One may ask whether the claim is {}.",
    "It's unclear whether or not the claim is {}.",
    "Let us check whether the statement is {}.",
    "I need to decide whether the claim is {} or not.",
    "Based on the text alone, we can neither confirm nor deny that the claim is {}.",
    "We can't be certain the claim is {}.",
    "It is uncertain that the claim is {}.",
    "The claim cannot be verified as {}.",
    "The claim cannot be classified as {} with certainty.",
]
INCONCLUSIVE = [
    "It is inconclusive whether the statement is true or false.",
    "It's inconclusive if he is tall, so one can't say true or false.",
    "The text is inconclusive as to whether it is true or false.",
    "The claim is inconclusive. It can be neither called true nor false.",
    "Whether the claim is true or false is inconclusive.",
    "It is not clear if the claim is true or false, so it is inconclusive.",
    "We cannot say whether it is true or false; therefore the claim is inconclusive.",
    "The claim is inconclusive because we do not know whether it is true or false.",
    "Given the text, it would be inconclusive whether this is true.",
    "The statement can neither be proven true nor false, making it inconclusive.",
    "True or false cannot be determined, so the answer is inconclusive.",
    "The claim remains inconclusive.",
    "The truth of the claim is inconclusive.",
]
NEGATIVE = [
    "The label is positive. But wait, the mug leaks. The label is negative.",
    "Label: positive\nOn second thought: negative",
    "So the answer is positive. Hold on, it leaks, so the answer is in fact negative.",
    "Positive. Wait, no. Negative.",
    "Answer: positive\n\nEdit: the answer is negative.",
    "My first answer was positive, but the right answer is negative.",
    "I'd say positive... Actually, negative.",
    "The answer is positive - no, wait - the answer is negative.",
    "The sentiment is positive. However, on closer reading the sentiment is negative.",
    "It seems positive, but overall the review is negative.",
    "Initially, the label seems to be positive. After re-reading, the label is really negative.",
    "The answer is positive.\n\nLet me double-check. It leaks, so it's negative.\n\nFinal answer: negative",
    "The answer is positive. Correction: it should be negative.",
    "The answer is positive, or rather, negative.",
]
RATED = [
    "{label} out of 5 stars.",
    "My rating is {label} out of 5.",
    "I'd give this one a {label} out of 5.",
    "Rating: {label}/5",
    "{label}/5",
    "I rate it a {label}.",
    "I would give the review a rating of {label}.",
    "Stars: {label}",
    "This deserves {label} stars.",
    "The score is {label} out of 5 since 3 parts are good.",
    "Score - {label}",
    "It gets {label} of 5 points.",
    "Overall: {label} (out of 5)",
    "I would rate this review as a {label} out of 5.",
    "A solid {label} out of 5.",
]
NEUTRAL = [
    "The hypothesis is a 'neutral' with respect to the premise because it may be.",
    "This is an example of neutral.",
    "It is a case of neutral.",
    "The relationship is neutral.",
    "The pair is neutral, since nothing is said.",
    "There is a neutral relationship between the two sentences.",
    "The premise and hypothesis are neutral to each other.",
    "The hypothesis is neither entailed nor contradicted. Hence neutral.",
    "I consider this neutral.",
    "This falls under neutral.",
    "The two are in a neutral relation.",
    "The premise is neutral towards the hypothesis.",
    "These sentences are neutral.",
    "neutral (the premise says nothing of it)",
    "=> neutral",
    "Therefore, the two sentences have a neutral relationship.",
]


def label(text, choices, kind="classes"):
    return parse_response(text, kind=kind, choices=choices).label


@pytest.mark.parametrize(("text", "choice"), SETTLED)
def test_the_option_that_a_text_settles_on(text, choice):
    assert label(text, PLACES, "choices") == choice


@pytest.mark.parametrize("text", UNSETTLED)
def test_no_option_where_each_is_best_for_something_or_none_is(text):
    assert label(text, PLACES, "choices") is None


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("There are several ways. Out of these options, painting is the most common method.", "painted"),
        ("Given these, melting would be the most practical approach.", "melt"),
        ("Iron can be shaped by bending it while hot.", "bending"),
        ("One can bend or cut it.", None),
    ],
)
def test_another_tense_of_an_option_counts_where_there_is_nothing_else(text, choice):
    assert label(text, ("painted", "melt", "bending", "sewn", "cut"), "choices") == choice


@pytest.mark.parametrize("text", UNTOLD)
@pytest.mark.parametrize("word", ["true", "false"])
def test_a_word_that_the_text_only_asks_about_is_no_label(text, word):
    assert label(text.format(word), ("true", "false", "inconclusive")) is None


@pytest.mark.parametrize("text", INCONCLUSIVE)
def test_that_it_cannot_be_told_is_a_verdict_where_a_class_says_so(text):
    assert label(text, ("true", "false", "inconclusive")) == "inconclusive"


@pytest.mark.parametrize("text", NEGATIVE)
def test_a_correction_is_the_answer(text):
    assert label(text, ("positive", "negative", "neutral")) == "negative"


@pytest.mark.parametrize("text", RATED)
@pytest.mark.parametrize("rating", ["1", "2", "4"])
def test_a_rating_is_read_from_its_scale(text, rating):
    if rating == "4" or "3" not in text:
        assert label(text.format(label=rating), ("1", "2", "3", "4", "5")) == rating


@pytest.mark.parametrize("text", NEUTRAL)
def test_a_relation_is_named_in_many_ways(text):
    assert label(text, ("entailment", "neutral", "contradiction")) == "neutral"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Class: parts room / other", "parts_room/other"),
        ("The category is PARTS_ROOM / DOOR.", "parts_room/door"),
        ("parts-room/door", "parts_room/door"),
        ("It is about parts room/ door handles. Label: parts_room / door", "parts_room/door"),
        ("Label: parts room", None),
    ],
)
def test_a_slash_may_have_spaces(text, name):
    assert label(text, ("parts_room/door", "parts_room/other", "billing")) == name
