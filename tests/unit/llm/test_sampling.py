"""A token is chosen by temperature, top-k, top-p and seed, and by nothing else."""

from collections import Counter

import pytest
import torch

from linly_llm.engine import Sampling
from linly_llm.engines.transformers.sampling import choose

PROBABILITIES = (0.5, 0.25, 0.15, 0.07, 0.03)
LOGITS = torch.tensor(PROBABILITIES).log()


def draws(count: int = 2000, **changes) -> Counter[int]:
    sampling = Sampling(**{"temperature": 1.0, "top_p": 1.0, "top_k": 5, "seed": 7, **changes})
    return Counter(choose(LOGITS, sampling, position) for position in range(count))


def test_temperature_0_takes_the_likeliest():
    assert set(draws(temperature=0.0)) == {0}


def test_frequencies_follow_the_probabilities():
    seen = draws(5_000)
    for token, probability in enumerate(PROBABILITIES):
        assert seen[token] / 5_000 == pytest.approx(probability, abs=0.02)


def test_top_k_keeps_the_likeliest():
    assert set(draws(top_k=2)) == {0, 1}


@pytest.mark.parametrize(("top_p", "kept"), [(0.01, 1), (0.5, 1), (0.6, 2), (0.9, 3), (1.0, 5)])
def test_top_p_keeps_the_fewest_that_make_it_up(top_p, kept):
    assert set(draws(top_p=top_p - 1e-4)) == set(range(kept))


def test_a_low_temperature_sharpens():
    assert draws(temperature=0.3)[0] > draws()[0] > draws(temperature=2.0)[0]


def test_the_same_seed_and_position_give_the_same_token():
    assert draws() == draws()
    assert draws() != draws(seed=8)


@pytest.mark.parametrize("seed", [0, -1, 2**63 - 1, -(2**63)])
def test_every_seed_of_the_contract_is_one(seed):
    assert draws(10, seed=seed) == draws(10, seed=seed)


def test_broken_logits_choose_some_token():
    assert 0 <= choose(torch.full((5,), torch.nan), Sampling(1.0, 0.9, 3, 1), 0) < 5
