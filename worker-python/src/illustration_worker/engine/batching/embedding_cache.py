"""Least-recently-used cache of encoded prompts and reference images, bounded in bytes."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import torch

from illustration_worker.signals import embedding_looked_up

Embeddings = tuple[torch.Tensor, ...]


class EmbeddingCache:
    """Thread-safe: one thread encodes, any may clear. What does not fit is not kept."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, Embeddings] = OrderedDict()
        self._times_cleared = 0
        self._lock = threading.Lock()
        self.bytes_held = 0
        self.hits = 0
        self.misses = 0

    def get_or_encode(self, key: Hashable, encode: Callable[[], Embeddings]) -> Embeddings:
        """The embeddings of ``key``; made by ``encode`` when they are not there. Nobody may write into them."""
        with self._lock:
            entry = self._entries.get(key)
            times_cleared = self._times_cleared
            if entry is None:
                self.misses += 1
            else:
                self.hits += 1
                self._entries.move_to_end(key)
        embedding_looked_up.send(entry is not None)
        if entry is not None:
            return entry
        entry = encode()
        with self._lock:
            # cleared meanwhile: what was asked to be forgotten may be this very entry
            if times_cleared == self._times_cleared:
                self._keep(key, entry)
        return entry

    def clear(self) -> int:
        """Forget everything, to give the memory back or because somebody is to be forgotten; how many entries went."""
        with self._lock:
            entries = len(self._entries)
            self._entries.clear()
            self._times_cleared += 1
            self.bytes_held = 0
        return entries

    def _keep(self, key: Hashable, entry: Embeddings) -> None:
        size = _bytes_of(entry)
        if size > self._max_bytes:
            return
        self._entries[key] = entry
        self.bytes_held += size
        while self.bytes_held > self._max_bytes:
            _, evicted = self._entries.popitem(last=False)
            self.bytes_held -= _bytes_of(evicted)


def _bytes_of(entry: Embeddings) -> int:
    return sum(tensor.nbytes for tensor in entry)
