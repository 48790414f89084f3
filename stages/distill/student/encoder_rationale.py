"""The small decoder with which an encoder writes rationales: a pre-norm transformer (arXiv 1706.03762, 2002.04745)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from distill.rows.files import write_json
from distill.rows.records import read_json
from distill.student.losses import IGNORED

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_Cache = tuple[Tensor, Tensor]  # keys and values, (rows, heads, tokens, width of a head) each


@dataclass(frozen=True)
class DecoderSizes:
    """vocabulary: tokens it can write. positions: tokens of the longest rationale. memory: width of what it attends to.

    tied: its token embeddings are rows of the encoder's, of the same width, and not its own.
    """

    vocabulary: int
    positions: int
    width: int
    memory: int
    layers: int
    heads: int
    tied: bool


class RationaleDecoder(nn.Module):
    """Writes with the tokens that occur in the training rationales, the fewer the cheaper.

    `vocabulary` (tokens,) holds their ids in the tokenizer. Inside, a token is its place there.
    """

    vocabulary: Tensor

    def __init__(self, sizes: DecoderSizes, vocabulary: Tensor):
        super().__init__()
        self.sizes = sizes
        self.register_buffer("vocabulary", vocabulary)
        self.embeddings = None if sizes.tied else nn.Embedding(sizes.vocabulary, sizes.width)
        self.positions = nn.Embedding(sizes.positions, sizes.width)
        self.first_norm, self.last_norm = nn.LayerNorm(sizes.width), nn.LayerNorm(sizes.width)
        self.layers = nn.ModuleList(_Layer(sizes) for _ in range(sizes.layers))
        self.bias = nn.Parameter(torch.zeros(sizes.vocabulary))
        for table in (self.positions, self.embeddings):
            if table is not None:
                nn.init.normal_(table.weight, std=0.02)

    def forward(self, tokens: Tensor, memory: Tensor, mask: Tensor, words: Tensor) -> Tensor:
        """Logits (rows, tokens, vocabulary) of what follows each token.

        tokens (rows, tokens); memory (rows, places, width) and mask (rows, places), 1 for what is there; words:
        the encoder's table of word embeddings.
        """
        table, seen = self._table(words), mask[:, None, None].bool()
        hidden = self._embedded(tokens, 0, table)
        for layer in self.layers:
            hidden, _ = layer(hidden, layer.read(memory), seen, None)
        return self._logits(hidden, table)

    @torch.no_grad()
    def write(
        self, begin: int, end: int, most: int, memory: Tensor, mask: Tensor, words: Tensor
    ) -> tuple[list[list[int]], list[float]]:
        """Greedily chosen tokens of each row, without begin and end, and the mean log probability of them and the end.

        Keys and values are kept, so that each step computes one token a row.
        """
        table, seen = self._table(words), mask[:, None, None].bool()
        read = [layer.read(memory) for layer in self.layers]
        past: list[_Cache] = [(keys[:, :, :0], values[:, :, :0]) for keys, values in read]
        token = torch.full((len(memory), 1), begin, device=memory.device)
        going = torch.ones(len(memory), dtype=torch.bool, device=memory.device)
        total, count = torch.zeros(len(memory), device=memory.device), torch.zeros(len(memory), device=memory.device)
        written = []
        for place in range(min(most, self.sizes.positions)):
            hidden = self._embedded(token, place, table)
            for index, layer in enumerate(self.layers):
                hidden, past[index] = layer(hidden, read[index], seen, past[index])
            logs, token = torch.log_softmax(self._logits(hidden, table)[:, 0].float(), -1).max(-1, keepdim=True)
            total, count = total + logs[:, 0] * going, count + going
            written.append(torch.where(going, token[:, 0], end))
            going = going & (token[:, 0] != end)
            if not going.any():
                break
        rows = torch.stack(written, 1).tolist()
        texts = [row[: row.index(end)] if end in row else row for row in rows]
        return texts, (total / count.clamp(min=1)).tolist()

    def save(self, folder: Path) -> None:
        """Weights (safetensors) and sizes."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(
            {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}, folder / _WEIGHTS
        )
        write_json(folder / _CONFIG, dataclasses.asdict(self.sizes))

    @classmethod
    def load(cls, folder: Path) -> RationaleDecoder:
        """What `save` wrote. Raises DataError where it is not there."""
        sizes = read_json(folder / _CONFIG, DecoderSizes)
        decoder = cls(sizes, torch.zeros(sizes.vocabulary, dtype=torch.long))
        decoder.load_state_dict(load_file(folder / _WEIGHTS))
        return decoder

    def _table(self, words: Tensor) -> Tensor:
        return functional.embedding(self.vocabulary, words) if self.embeddings is None else self.embeddings.weight

    def _embedded(self, tokens: Tensor, first: int, table: Tensor) -> Tensor:
        places = torch.arange(first, first + tokens.shape[1], device=tokens.device)
        return self.first_norm(functional.embedding(tokens, table) + self.positions(places))

    def _logits(self, hidden: Tensor, table: Tensor) -> Tensor:
        return functional.linear(self.last_norm(hidden), table, self.bias)


class _Layer(nn.Module):
    def __init__(self, sizes: DecoderSizes):
        super().__init__()
        width, self.heads = sizes.width, sizes.heads
        self.own_norm, self.memory_norm, self.feed_norm = (nn.LayerNorm(width) for _ in range(3))
        self.own, self.own_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.query, self.memory, self.memory_out = (
            nn.Linear(width, width),
            nn.Linear(sizes.memory, 2 * width),
            nn.Linear(width, width),
        )
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def read(self, memory: Tensor) -> _Cache:
        """Keys and values of what is attended to, the same at every place."""
        keys, values = self.memory(memory).chunk(2, -1)
        return self._heads(keys), self._heads(values)

    def forward(self, hidden: Tensor, read: _Cache, seen: Tensor, past: _Cache | None) -> tuple[Tensor, _Cache]:
        """All places at once without `past`; the next one alone with it."""
        query, keys, values = map(self._heads, self.own(self.own_norm(hidden)).chunk(3, -1))
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        # Padding stands at the right and attention is causal, so no mask is needed.
        own = functional.scaled_dot_product_attention(query, keys, values, is_causal=past is None)
        hidden = hidden + self.own_out(own.transpose(1, 2).flatten(2))
        query = self._heads(self.query(self.memory_norm(hidden)))
        attended = functional.scaled_dot_product_attention(query, *read, attn_mask=seen)
        hidden = hidden + self.memory_out(attended.transpose(1, 2).flatten(2))
        return hidden + self.feed(self.feed_norm(hidden)), (keys, values)

    def _heads(self, values: Tensor) -> Tensor:
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def shifted(targets: Tensor, begin: int) -> Tensor:
    """What the decoder reads (rows, tokens) so that it says `targets`: the same, one later, behind `begin`."""
    read = targets.new_full(targets.shape, begin)
    read[:, 1:] = targets[:, :-1].masked_fill(targets[:, :-1] == IGNORED, begin)
    return read
