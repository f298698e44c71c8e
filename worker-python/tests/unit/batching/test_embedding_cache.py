"""Bounded in bytes, the least recently used goes first."""

from collections.abc import Callable

import torch

from illustration_worker.engine.batching.embedding_cache import EmbeddingCache, Embeddings


def of_bytes(count: int) -> Callable[[], Embeddings]:
    return lambda: (torch.zeros(count, dtype=torch.uint8),)


def test_what_is_there_is_not_encoded_again() -> None:
    cache = EmbeddingCache(100)
    first = cache.get_or_encode("a", of_bytes(10))
    assert cache.get_or_encode("a", of_bytes(10)) is first
    assert (cache.hits, cache.misses, cache.bytes_held) == (1, 1, 10)


def test_the_least_recently_used_goes_first() -> None:
    cache = EmbeddingCache(30)
    for key in ("a", "b", "c", "a", "d"):
        cache.get_or_encode(key, of_bytes(10))
    assert cache.bytes_held == 30
    hits = cache.hits
    for key in ("a", "c", "d"):
        cache.get_or_encode(key, of_bytes(10))
    assert cache.hits == hits + 3
    cache.get_or_encode("b", of_bytes(10))
    assert cache.hits == hits + 3


def test_what_is_too_large_is_given_and_not_kept() -> None:
    cache = EmbeddingCache(30)
    cache.get_or_encode("small", of_bytes(20))
    assert cache.get_or_encode("large", of_bytes(31))[0].nbytes == 31
    assert cache.bytes_held == 20
    cache.get_or_encode("small", of_bytes(20))
    assert cache.hits == 1


def test_all_tensors_of_an_entry_count() -> None:
    cache = EmbeddingCache(100)
    cache.get_or_encode("pair", lambda: (torch.zeros(4), torch.zeros(2, dtype=torch.float16)))
    assert cache.bytes_held == 20
    cache.clear()
    assert cache.bytes_held == 0


def test_clearing_tells_how_many_went_and_what_was_there_is_encoded_again() -> None:
    cache = EmbeddingCache(100)
    for key in ("a", "b"):
        cache.get_or_encode(key, of_bytes(10))
    assert (cache.clear(), cache.clear(), cache.bytes_held) == (2, 0, 0)
    cache.get_or_encode("a", of_bytes(10))
    assert (cache.hits, cache.misses, cache.bytes_held) == (0, 3, 10)


def test_what_is_being_encoded_while_all_is_forgotten_is_given_and_not_kept() -> None:
    cache = EmbeddingCache(100)

    def encode_while_somebody_clears() -> Embeddings:
        cache.clear()
        return of_bytes(10)()

    assert cache.get_or_encode("a", encode_while_somebody_clears)[0].nbytes == 10
    assert cache.bytes_held == 0
    cache.get_or_encode("a", of_bytes(10))
    assert cache.hits == 0
