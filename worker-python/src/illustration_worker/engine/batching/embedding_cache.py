"""Least-recently-used cache of encoded prompts and reference images, bounded in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

import torch

from illustration_worker.signals import embedding_looked_up

Embeddings = tuple[torch.Tensor, ...]


class EmbeddingCache:
    """For one thread. What does not fit is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, Embeddings] = OrderedDict()
        self.bytes_held = 0
        self.hits = 0
        self.misses = 0

    def get_or_encode(self, key: Hashable, encode: Callable[[], Embeddings]) -> Embeddings:
        """The embeddings of ``key``; made by ``encode`` when they are not there. Nobody may write into them."""
        entry = self._entries.get(key)
        embedding_looked_up.send(entry is not None)
        if entry is not None:
            self.hits += 1
            self._entries.move_to_end(key)
            return entry
        self.misses += 1
        entry = encode()
        size = _bytes_of(entry)
        if size <= self._max_bytes:
            self._entries[key] = entry
            self.bytes_held += size
            self._evict()
        return entry

    def clear(self) -> None:
        """Forget everything, to give the memory back."""
        self._entries.clear()
        self.bytes_held = 0

    def _evict(self) -> None:
        while self.bytes_held > self._max_bytes:
            _, evicted = self._entries.popitem(last=False)
            self.bytes_held -= _bytes_of(evicted)


def _bytes_of(entry: Embeddings) -> int:
    return sum(tensor.nbytes for tensor in entry)
