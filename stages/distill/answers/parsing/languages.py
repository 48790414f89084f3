"""How answers are announced in other languages than English: one table, a row a language.

To add a language, add a row; to teach one a phrase, add it to its cell. Cells are regular expressions without groups,
in lower case, of what may stand there. All rows are sought at once, as nobody says in which language a teacher answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from distill.answers.parsing.folding import UNSPACED, word_set


@dataclass(frozen=True, slots=True)
class Language:
    """What announces an answer.

    answer: what an answer is called. lead: what may stand around that word, or before the answer itself. copula: what
    joins it with the answer; a colon always does. choose: what is followed by the answer at once. claim: what a label
    is said of. whether: what opens a question that is left open; whether_after: the same behind the label. denial:
    what rules a label out, before it; denial_after: behind it. tail: what ends a sentence behind a label.
    instead: what stands between a label that is ruled out and the one that holds.
    """

    name: str
    answer: str
    lead: str
    copula: str
    choose: str
    claim: str
    whether: str
    denial: str
    whether_after: str = ""
    denial_after: str = ""
    tail: str = ""
    instead: str = ""


LANGUAGES = (
    Language(
        "German",
        answer=r"antwort|lösung|ergebnis|option|auswahl|wahl|kategorie|klasse|einstufung|bezeichnung|label|etikett",
        lead=r"die|das|der|den|ein|eine|einen|einer|meine|mein|richtige|korrekte|beste|endgültige|passende|"
        r"wahrscheinlichste|"
        r"also|daher|somit|deshalb|folglich|also|wohl|eindeutig|demnach|damit|hier|am ehesten|dass|option",
        copula=r"ist|lautet|wäre|heißt|heisst|bleibt|sollte|muss",
        choose=r"ich wähle|ich würde wählen|ich entscheide mich für|eingestuft als|einzustufen als|klassifiziert als",
        claim=r"aussage|behauptung|hypothese|these|bewertung|rezension|stimmung|text|satz|kommentar|meinung|nachricht|"
        r"tonfall",
        whether=r"ob|falls|wenn",
        denial=r"nicht|kein|keine|keinen|weder",
        instead=r"sondern|vielmehr",
    ),
    Language(
        "French",
        answer=r"réponse|solution|option|choix|étiquette|catégorie|classe|conclusion|label",
        lead=r"la|le|les|l'|l|un|une|ma|mon|bonne|correcte|exacte|finale|meilleure|meilleur|donc|ainsi|alors|"
        r"probablement|clairement|plutôt|que|option|c'",
        copula=r"est|serait|doit être|devrait être|sera|:",
        choose=r"je choisis|je choisirais|j'opte pour|classée? comme",
        claim=r"affirmation|déclaration|hypothèse|énoncé|avis|critique|sentiment|texte|phrase|commentaire|message|ton",
        whether=r"si",
        denial=r"pas|n'est pas|non|ni|aucun|aucune",
        instead=r"mais|plutôt",
    ),
    Language(
        "Spanish",
        answer=r"respuesta|solución|opción|elección|etiqueta|categoría|clase|conclusión",
        lead=r"la|el|los|las|un|una|mi|correcta|correcto|final|mejor|adecuada|por lo tanto|por tanto|así que|entonces|"
        r"probablemente|claramente|que|opción|definitiva",
        copula=r"es|sería|será|debe ser|debería ser|seria",
        choose=r"elijo|elegiría|escojo|clasificad[oa] como|me quedo con",
        claim=r"afirmación|declaración|hipótesis|enunciado|reseña|opinión|sentimiento|texto|frase|oración|comentario|"
        r"mensaje",
        whether=r"si",
        denial=r"no|no es|ni|ningún|ninguna|tampoco",
        instead=r"sino|más bien",
    ),
    Language(
        "Italian",
        answer=r"risposta|soluzione|opzione|scelta|etichetta|categoria|classe|conclusione",
        lead=r"la|il|lo|gli|le|l'|un|una|un'|mia|corretta|corretto|giusta|finale|migliore|quindi|dunque|pertanto|"
        r"perciò|"
        r"probabilmente|chiaramente|che|opzione|esatta",
        copula=r"è|sarebbe|sarà|dovrebbe essere|deve essere|e'",
        choose=r"scelgo|sceglierei|opto per|classificat[oa] come",
        claim=r"affermazione|dichiarazione|ipotesi|enunciato|recensione|opinione|sentimento|testo|frase|commento|"
        r"messaggio",
        whether=r"se",
        denial=r"non|non è|né|nessun|nessuna",
        instead=r"ma|bensì",
    ),
    Language(
        "Portuguese",
        answer=r"resposta|solução|opção|escolha|etiqueta|rótulo|categoria|classe|conclusão",
        lead=r"a|o|os|as|um|uma|minha|correta|correto|certa|final|melhor|portanto|assim|então|logo|provavelmente|"
        r"claramente|que|opção|definitiva",
        copula=r"é|seria|será|deve ser|deveria ser",
        choose=r"escolho|escolheria|opto por|classificad[oa] como",
        claim=r"afirmação|declaração|hipótese|enunciado|avaliação|opinião|sentimento|texto|frase|comentário|mensagem|"
        r"resenha",
        whether=r"se",
        denial=r"não|não é|nem|nenhum|nenhuma",
        instead=r"mas sim|mas|e sim",
    ),
    Language(
        "Dutch",
        answer=r"antwoord|oplossing|optie|keuze|etiket|categorie|klasse|conclusie|label",
        lead=r"het|de|een|mijn|juiste|correcte|goede|beste|definitieve|uiteindelijke|dus|daarom|daarmee|waarschijnlijk|"
        r"duidelijk|dat|optie",
        copula=r"is|luidt|zou zijn|moet zijn|wordt|blijft",
        choose=r"ik kies|ik zou kiezen voor|ik kies voor|geclassificeerd als",
        claim=r"bewering|stelling|uitspraak|hypothese|recensie|sentiment|tekst|zin|opmerking|bericht|mening",
        whether=r"of (?:het|de|deze|dit|die|dat|een)|indien|als",
        denial=r"niet|geen|noch",
        instead=r"maar",
    ),
    Language(
        "Polish",
        answer=r"odpowiedź|odpowiedzią|rozwiązanie|opcja|wybór|etykieta|kategoria|klasa|wniosek",
        lead=r"prawidłowa|prawidłową|poprawna|poprawną|właściwa|właściwą|ostateczna|najlepsza|moja|więc|zatem|dlatego|"
        r"prawdopodobnie|wyraźnie|że|opcja|tak więc",
        copula=r"to|brzmi|jest|jest to|powinna brzmieć|będzie",
        choose=r"wybieram|wybrałbym|wybrałabym|zaklasyfikowan[ayo] jako",
        claim=r"twierdzenie|stwierdzenie|hipoteza|zdanie|recenzja|opinia|nastrój|tekst|komentarz|wiadomość|wypowiedź",
        whether=r"czy|jeśli|jeżeli",
        denial=r"nie|nie jest|ani|żadn[aey]",
        instead=r"lecz|ale|tylko",
    ),
    Language(
        "Chinese",
        answer=r"答案|选项|標籤|标签|结论|結論|分类|分類|类别|類別|结果|結果|选择|選擇|回答",
        lead=r"正确的?|正確的?|最终的?|最終的?|最佳的?|最合适的?|应该|應該|应|應|因此|所以|故|即|就|我的|该|选项|選項|很可能|显然",
        copula=r"是|为|為|应为|應為|应该是|應該是|就是|属于|屬於",
        choose=r"我选择?|我選擇?|应选择?|應選擇?|故选择?|故選|归类为|歸類為|判断为|判斷為|属于|屬於",
        claim=r"假设|假設|陈述|陳述|说法|說法|句子|评论|評論|情感|文本|这句话|這句話|该论断|语气|观点|论述|命题",
        whether=r"是否|能否|是不是|如果|假如",
        denial=r"不|不是|并非|並非|非|没有|無法|无法|未",
        instead=r"而是|是",
        denial_after=r"的可能性(?:不大|很小)|是错误的选项",
        tail=r"的",
    ),
    Language(
        "Japanese",
        answer=r"答え|答|正解|解答|回答|ラベル|結論|分類|選択肢|カテゴリー?|判定|最終回答",
        lead=r"正しい|最も適切な|最適な|最終的な|したがって|よって|つまり|ゆえに|おそらく|明らかに|この|その|選択肢",
        copula=r"は|が|としては",
        choose=r"選ぶなら|選ぶのは",
        claim=r"仮説|文|主張|レビュー|記述|感情|文章|コメント|発言|意見|評価|命題|口調",
        whether=r"もし|仮に",
        whether_after=r"かどうか|であるか|なのか|か否か",
        denial=r"非",
        denial_after=r"では(?:な|あり)|じゃな|でな|とは(?:言え|いえ|限ら)|ではない",
        tail=r"です|だ|である|であり|と(?:判断|考え|なり|な|言え|思)|にな",
    ),
    Language(
        "Korean",
        answer=r"정답|답변|답안|해답|답|라벨|레이블|결론|분류|선택지|카테고리|판정|선택",
        lead=r"올바른|가장 적절한|최종|최선의|따라서|그러므로|즉|결국|아마도?|분명히|이|그|선택지",
        copula=r"은|는|이|가",
        choose=r"선택하면|고르자면|저는",
        claim=r"가설|문장|진술|주장|리뷰|감정|글|댓글|의견|평가|명제|메시지",
        whether=r"만약|만일",
        whether_after=r"인지|일지|여부|한지|인가",
        denial=r"비",
        denial_after=r"(?:이|가|은|는)? ?아(?:니|닙|닌)|(?:이|가)?라고 (?:할|볼) 수 없",
        tail=r"입니다|이다|예요|이에요|이며|이고|으로|로|(?:이)?라고|적",
    ),
)


# Words of the table that are English too, or that English texts have for other reasons: they tell no language.
_ENGLISH = word_set(
    "a affirmation as also c che classe conclusion critique de den die do e el en falls final finale hier is l la las"
    " le label logo los ma men message mi mia no non o opinion option or os per phrase que se sentiment si solution"
    " text these to ton um un wahl"
)
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=16)
def is_other_language(folded: str) -> bool:
    """Whether a text has any word of the table, so that its rows are worth looking for."""
    return not _TELLING.isdisjoint(_WORD.findall(folded)) or bool(_UNSPACED_TEXT.search(folded))


def union(cell: str) -> str:
    """Everything that stands in a column, as one expression, each with a boundary where its script has one."""
    words = [getattr(language, cell) for language in LANGUAGES if getattr(language, cell)]
    return "|".join(_bounded(word) for cell_words in words for word in _split(cell_words))


def _telling() -> frozenset[str]:
    columns = ("answer", "lead", "copula", "claim", "denial", "whether")
    cells = [getattr(language, column) for language in LANGUAGES for column in columns]
    return frozenset(word for cell in cells for word in _split(cell) if _WORD.fullmatch(word)) - _ENGLISH


def _split(cell: str) -> list[str]:
    """The alternatives of a cell that stand outside brackets."""
    parts, depth = [""], 0
    for char in cell:
        depth += (char in "([") - (char in ")]")
        if char == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return [part for part in parts if part]


def _bounded(word: str) -> str:
    if re.search(f"[{UNSPACED}]", word):
        return word
    return rf"(?<!\w){word}" + ("" if word.endswith("'") or not word[-1:].isalnum() else r"(?!\w)")


_TELLING = _telling()
_UNSPACED_TEXT = re.compile(f"[{UNSPACED}]")
