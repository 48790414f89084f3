"""What is only entertained in a text: "we cannot determine whether it is true" claims nothing of the word "true"."""

from __future__ import annotations

import re

from distill.answers.parsing.languages import union

# Where a clause ends, for what was opened in it.
_BREAK = re.compile(
    r"[;:(\n—–]| - |\b(?:so|therefore|thus|hence|consequently|but|because|since|which|making|rendering|leaving|then|"
    r"however|although|though|while|whereas)\b|\band\s+(?=(?:it|this|that|the|so|is|would|should)\b)"
)
# A comma ends one too, save round an aside: "it cannot be said, from the note alone, that …".
_ASIDE = re.compile(r",\s*(?:from|based|given|by|with|on|in|at|according|using|just|only|solely|for)\b[^,]{0,70},")
_QUOTED = re.compile(r"\"[^\"\n]*\"")
_WHETHER = re.compile(r"\b(?:whether|unless|in case)\b")
_OTHER_WHETHER = re.compile(union("whether"))
_IF = re.compile(r"\b(?:if|suppos(?:e|ing)|assuming|provided)\b")
# "The best option if one likes water is …" states one; "it is hard to say if it is …" none.
_UNDECIDED = re.compile(
    r"\b(?:hard|difficult|impossible|unclear|uncertain|unsure|cannot|can't|could not|couldn't|not|depend(?:s|ing)?|"
    r"determin\w+|know|say|tell|wonder\w*|consider|asks?|asked|question|sure|decid\w+|judge|specif\w+|clear)\b"
    r"[^.;:]{0,24}\Z"
)
_UNABLE = (
    r"(?:\b(?:not|cannot|never|impossible|unable|hard|difficult|unclear|uncertain|insufficient|lacks?|little|neither|"
    r"no|nothing|nobody|none)\b|n't\b|\bno one\b)"
)
_KNOWING = (
    r"\b(?:determin\w*|conclu\w*|say|said|tell|know\w*|confirm\w*|verif\w*|prov\w*|establish\w*|decid\w*|judg\w*|"
    r"infer\w*|assum\w*|mean|makes?|support\w*|suggest\w*|imply|implies|indicat\w*|ascertain\w*|claim that|deem\w*|"
    r"evidence|indication|proof|reason|information|context|certain\w*|sure|enough|clear|guarantee\w*|way|classif\w*|"
    r"label\w*|consider\w*|call\w*|declar\w*)\b"
)
_UNPROVEN = re.compile(
    rf"{_UNABLE}[^;:]{{0,120}}?{_KNOWING}|\b(?:uncertain|unclear|unsure|doubtful|questionable)\s+that\b"
    r"|\b(?:need\w*|have) to (?:know|verify|check|see|find out|establish)\b|\bbefore (?:\w+ing|we|one|anyone|it)\b"
)
_COPULA = re.compile(r"\b(?:is|are|was|were|be|remains?|stays?|seems?)\b")
_OTHER_AFTER = re.compile(rf"[\"'*_`]*\s*(?:{union('whether_after')})")
_PROVISO = re.compile(r"[\"'*_`)\]]*,?\s*(?:only\s+)?(?:if|unless|when|provided|assuming)\b")
_WOULD = re.compile(r"\b(?:would|could|can|may|might|will)\s+(?:only\s+)?(?:be|have|become)\b[^,;.]{0,30}\Z")
_CONDITION = re.compile(r"\b(?:if|unless|suppos(?:e|ing)|assuming|were|had)\b[^.;]*,")
_CONSEQUENCE = re.compile(
    r"\b(?:would|could|might)\s+(?:\w+ly\s+|then\s+|also\s+)?(?:be|have been|become|make it)\b[^,;]{0,30}\Z"
)
# "To be true, the claim …", "for the claim to be true, …".
_INFINITIVE = re.compile(
    r"(?:\A[\s\"'*_(]*|\b(?:for|in order)\b[^,;.]{1,80}?\s)to be(?: considered| deemed| called| classified as)?"
    r"[\s\"'*_`(]*\Z"
)
_CANNOT_SAY = re.compile(
    r"[\"'*_`]*[,:.;]?\s*(?:we|i|it|one|you|there)\b[^.;\n]{0,40}\b(?:cannot|can't|can not|not|isn't|unable|unclear|"
    r"impossible|hard|difficult|insufficient)\b[^.;\n]*\b(?:determin\w*|conclu\w*|say|tell|know|confirm|"
    r"sure|if|whether)\b"
)
# A choice that itself says that nothing can be said is what such a clause states.
_OPEN_LABEL = re.compile(
    r"inconclusive|neutral|unknown|undetermin|uncertain|unclear|unsure|cannot|can't|not enough|insufficient|neither|"
    r"maybe|unverif|undecid|unrelated|irrelevant"
)


def is_undecided(folded: str, start: int, end: int) -> bool:
    """Whether a first word at folded[start:end], as "No", is followed by that nothing can be said: it is no answer."""
    return not _OPEN_LABEL.search(folded, start, end) and bool(_CANNOT_SAY.match(folded, end))


def is_entertained(folded: str, begin: int, start: int, end: int, *, by_name: bool, other: bool) -> bool:
    """Whether what stands at folded[start:end], in the sentence from `begin`, is merely talked about.

    `by_name` is for choices that a sentence names anyway, as things: for them a mere "if" opens nothing, nor does "we
    cannot say that", for they are no verdicts. `other` says that other languages than English are to be looked for.
    """
    begin = max(begin, start - 300)
    sentence = _QUOTED.sub(" ", folded[begin:start])
    breaks = [match.end() for match in _BREAK.finditer(sentence)]
    clause = _ASIDE.sub(" ", sentence[breaks[-1] if breaks else 0 :])
    clause = clause[clause.rfind(",") + 1 :]
    opener = _WHETHER.search(clause) or _IF.search(clause)
    # "Whether it is true is inconclusive" says that it is.
    if opener and _OPEN_LABEL.search(folded, start, end) and len(_COPULA.findall(clause, opener.end())) > 1:
        return False
    if opener and (
        not by_name or _WHETHER.match(opener[0]) or _UNDECIDED.search(sentence[: sentence.rfind(opener[0])])
    ):
        return True
    if other and (_OTHER_WHETHER.search(clause) or _OTHER_AFTER.match(folded, end)):
        return True
    if by_name or _OPEN_LABEL.search(folded, start, end):
        return False
    if _INFINITIVE.search(sentence) or (_CONSEQUENCE.search(sentence) and _CONDITION.search(sentence)):
        return True
    return bool(_UNPROVEN.search(clause)) or bool(_PROVISO.match(folded, end) and _WOULD.search(sentence))
