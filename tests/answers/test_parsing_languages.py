"""Answers in other languages than English, by the one table of cues."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill.answers.parsing import Parsed, parse_response
from distill.answers.parsing.languages import LANGUAGES

STATED = {
    "German": (
        ("günstig", "ungünstig", "offen"),
        "Der Zug kommt spät.",
        ["Die Antwort ist {}.", "Daher ist die richtige Antwort „{}“.", "Die korrekte Antwort lautet: {}",
         "Antwort: {}", "Die Aussage ist {}.", "Die Antwort ist nicht {other}, sondern {}."],
        ["Ob die Aussage {} ist, bleibt unklar.", "Die Antwort ist nicht {}."],
    ),
    "French": (
        ("favorable", "défavorable", "ouvert"),
        "Le train arrive tard.",
        ["La réponse est {}.", "La bonne réponse est donc « {} ».", "Réponse : {}", "L'affirmation est {}."],
        ["On ne sait pas si l'affirmation est {}.", "La réponse n'est pas {}."],
    ),
    "Spanish": (
        ("cierto", "incierto", "dudoso"),
        "El tren llega tarde.",
        ["La respuesta es {}.", "Por lo tanto, la respuesta correcta es: {}", "Respuesta: {}", "La afirmación es {}."],
        ["No se sabe si la afirmación es {}.", "La respuesta no es {}."],
    ),
    "Italian": (
        ("certo", "incerto", "dubbio"),
        "Il treno arriva tardi.",
        ["La risposta è {}.", "Quindi la risposta corretta è: {}", "Risposta: {}", "L'affermazione è {}."],
        ["Non si sa se l'affermazione è {}.", "La risposta non è {}."],
    ),
    "Portuguese": (
        ("certo", "incerto", "duvidoso"),
        "O trem chega tarde.",
        ["A resposta é {}.", "Portanto, a resposta correta é: {}", "Resposta: {}", "A afirmação é {}."],
        ["Não se sabe se a afirmação é {}.", "A resposta não é {}."],
    ),
    "Dutch": (
        ("zeker", "onzeker", "open"),
        "De trein komt laat.",
        ["Het antwoord is {}.", "Daarom is het juiste antwoord {}.", "Antwoord: {}", "De bewering is {}."],
        ["Het is niet bekend of de bewering {} is.", "Het antwoord is niet {}."],
    ),
    "Polish": (
        ("pewne", "niepewne", "otwarte"),
        "Pociąg się spóźnia.",
        ["Odpowiedź to {}.", "Dlatego prawidłowa odpowiedź brzmi: {}", "Odpowiedź: {}", "Stwierdzenie jest {}."],
        ["Nie wiadomo, czy stwierdzenie jest {}.", "Odpowiedź to nie {}."],
    ),
    "Chinese": (
        ("支持", "反对", "中立"),
        "火车晚点了。",
        ["答案是{}。", "因此，正确答案是：{}", "答案：{}", "所以答案为“{}”。", "该说法是{}的。", "我选择{}。"],
        ["无法判断该说法是否{}。", "答案不是{}。"],
    ),
    "Japanese": (
        ("賛成", "反対", "中立"),
        "列車は遅れている。",
        ["答えは{}です。", "したがって、正しい答えは「{}」です。", "答え：{}", "正解は{}。", "この主張は{}である。"],
        ["この主張が{}かどうかは分からない。", "答えは{}ではありません。"],
    ),
    "Korean": (
        ("찬성", "반대", "중립"),
        "기차가 늦는다.",
        ["정답은 {}입니다.", "따라서 올바른 답은 {}이다.", "정답: {}", "답변은 '{}'입니다.", "이 주장은 {}입니다."],
        ["이 주장이 {}인지 알 수 없다.", "정답은 {}이 아닙니다."],
    ),
}  # fmt: skip
CASES = [
    (language, text, label) for language, (labels, _, texts, _) in STATED.items() for text in texts for label in labels
]


def test_every_language_of_the_table_is_tried():
    assert [language.name for language in LANGUAGES] == list(STATED)


@pytest.mark.parametrize(("language", "text", "label"), CASES)
def test_an_answer_is_read_in_its_language(language, text, label):
    labels, reason, _, _ = STATED[language]
    other = labels[labels.index(label) - 1]
    for kind in ("classes", "choices"):
        if kind == "classes" or not any(word in text for word in ("Aussage", "affirm", "afirma", "afferm", "bewering",
                                                                 "Stwierdz", "说法", "主張", "주장")):  # fmt: skip
            parsed = parse_response(f"{reason} {text.format(label, other=other)}", kind=kind, choices=labels)
            assert parsed.label == label, kind


@pytest.mark.parametrize(
    ("language", "text"), [(language, text) for language, (*_, texts) in STATED.items() for text in texts]
)
def test_what_is_denied_or_left_open_is_no_answer(language, text):
    labels, reason, _, _ = STATED[language]
    assert parse_response(f"{reason} {text.format(labels[0])}", kind="classes", choices=labels).label is None


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.sampled_from(CASES), st.sampled_from(["{}", "**{}**", "\n{}"]), st.booleans())
def test_the_reason_beside_it_is_the_rationale_where_the_answer_is_a_sentence_of_its_own(case, dressing, first):
    language, _, label = case
    labels, reason, texts, _ = STATED[language]
    answer = dressing.format(texts[0].format(label))
    parsed = parse_response(f"{answer}\n{reason}" if first else f"{reason} {answer}", kind="classes", choices=labels)
    assert parsed == Parsed(label, reason, "ok")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("因此，答案为B。", "柜子"),
        ("（B）柜子", "柜子"),
        ("答案：Ａ", "桌子"),
        ("したがって、正解はBです。", "柜子"),
        ("따라서 답은 A입니다.", "桌子"),
        ("Die richtige Antwort lautet: b) 柜子.", "柜子"),
    ],
)
def test_letters_stand_without_spaces_and_in_full_width(text, label):
    assert parse_response(text, kind="choices", choices=("桌子", "柜子", "椅子")).label == label


def test_a_word_that_is_part_of_a_longer_word_is_no_answer():
    assert parse_response("Die Antwort ist offenbar lang.", kind="classes", choices=("offen", "zu")).label is None
