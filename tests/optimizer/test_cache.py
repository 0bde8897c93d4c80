"""The simulated radix cache against a set of all prefixes, and its eviction."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import RadixCache

prompts = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=12), max_size=25)


@given(prompts, st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_without_bound_the_longest_whole_page_prefix_seen_is_served(
    sent: list[list[int]], page: int
) -> None:
    cache = RadixCache(page=page)
    seen: set[tuple[int, ...]] = set()
    for prompt in sent:
        pages = range(0, len(prompt), page)
        expected = max((n for n in pages if n == 0 or tuple(prompt[:n]) in seen), default=0)
        assert cache.serve(prompt) == expected
        seen |= {tuple(prompt[:n]) for n in range(page, len(prompt) + 1, page)}
    assert cache.size == page * len(seen)


@given(prompts, st.integers(12, 40), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_a_budget_is_kept_and_never_serves_more(
    sent: list[list[int]], budget: int, page: int
) -> None:
    bounded, unbounded = RadixCache(budget, page), RadixCache(None, page)
    for prompt in sent:
        assert bounded.serve(prompt) <= unbounded.serve(prompt)
        assert bounded.size <= budget


def test_the_least_recently_used_prompt_leaves_first() -> None:
    cache = RadixCache(budget=6)
    first, second, third = [1, 1, 1], [2, 2, 2], [3, 3, 3]
    cache.serve(first)
    cache.serve(second)
    cache.serve(first)
    cache.serve(third)
    assert cache.serve(second) == 0
    assert cache.serve(third) == 2


def test_a_shared_prefix_outlives_its_leaves() -> None:
    cache = RadixCache(budget=6)
    cache.serve([7, 7, 1, 1])
    cache.serve([7, 7, 2, 2])
    cache.serve([7, 7, 3, 3])
    assert cache.serve([7, 7, 4]) == 2


def test_one_token_of_a_known_prompt_is_still_computed() -> None:
    cache = RadixCache()
    cache.serve([1, 2, 3])
    assert cache.serve([1, 2, 3]) == 2


@pytest.mark.parametrize("page", [1, 4])
def test_a_prompt_larger_than_the_cache_is_served_nothing_later(page: int) -> None:
    cache = RadixCache(budget=4, page=page)
    cache.serve(list(range(20)))
    cache.serve([99, 98, 97, 96])
    assert cache.serve(list(range(20))) == 0
