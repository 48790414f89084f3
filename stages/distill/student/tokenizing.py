"""Text to token ids: a tokenizer trained on the training rows, and encoding with a counted cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from distill.student.plan import TASK_TOKENS
from distill.student.token_cache import TokenizedTexts, cached

PAD, EOS, UNKNOWN = "<pad>", "</s>", "<unk>"
# Labels are never cut in training: a cut label is another label.
NO_LIMIT = 10**6


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE of at most `vocabulary` tokens, the same one for the same texts in any order.

    Every byte has a token, so any text can be encoded and decoded without loss. Ids follow T5: pad 0,
    end 1, unknown 2.
    """
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    special = [PAD, EOS, UNKNOWN, *TASK_TOKENS.values()]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sorted(texts), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {EOS}", special_tokens=[(EOS, tokenizer.token_to_id(EOS))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        extra_special_tokens=list(TASK_TOKENS.values()),
        clean_up_tokenization_spaces=False,
    )


def begin_with(tokenizer: PreTrainedTokenizerFast, token: str) -> None:
    """Has every text begin with one of the tokenizer's special tokens, for an encoder that is read there."""
    template = processors.TemplateProcessing(
        single=f"{token} $A {EOS}",
        special_tokens=[(name, tokenizer.convert_tokens_to_ids(name)) for name in (token, EOS)],
    )
    tokenizer.backend_tokenizer.post_processor = template
    tokenizer.cls_token, tokenizer.sep_token = token, EOS


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], most: int, target: bool = False) -> TokenizedTexts:
    """Token ids of each text with the tokenizer's own special tokens, and how many texts were cut to `most` tokens.

    Many texts are tokenized once and then kept, see distill.student.token_cache.
    """
    if not texts:
        return [], 0
    return cached(lambda: _encoded(tokenizer, texts, most, target), tokenizer, texts, (most, target))


def _encoded(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], most: int, target: bool) -> TokenizedTexts:
    field = "text_target" if target else "text"
    ids = tokenizer(**{field: list(texts)})["input_ids"]
    long = [index for index, row in enumerate(ids) if len(row) > most]
    if long:
        cut = tokenizer(**{field: [texts[index] for index in long]}, truncation=True, max_length=most)["input_ids"]
        for index, row in zip(long, cut, strict=True):
            ids[index] = row
    return ids, len(long)


def candidate_tokens(
    candidates: Sequence[Sequence[str]], tokenize: Callable[[Sequence[str]], list[list[int]]], end: int
) -> list[list[list[int]]]:
    """Token ids of each row's candidates. `tokenize` gives those of texts, with the token `end` behind them or not.

    The end is left out where no other candidate of the row goes on with more tokens: the label is certain before it. So
    the candidates' probabilities are those of the branches of a tree, and a label of one token needs no more than the
    logits behind the input.
    """
    texts = list(dict.fromkeys(text for row in dict.fromkeys(map(tuple, candidates)) for text in row))
    ids = dict(zip(texts, tokenize(texts), strict=True))
    by_row: dict[tuple[str, ...], list[list[int]]] = {}
    for row in map(tuple, candidates):
        if row not in by_row:
            by_row[row] = _without_ends([ids[text] for text in row], end)
    return [by_row[tuple(row)] for row in candidates]


def _without_ends(row: Sequence[list[int]], end: int) -> list[list[int]]:
    shortened = []
    for ids in row:
        bare = ids[:-1] if len(ids) > 1 and ids[-1] == end else ids
        goes_on = any(other[: len(bare)] == bare and other != ids for other in row)
        shortened.append(ids if goes_on else bare)
    return shortened
