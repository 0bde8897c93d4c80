"""Data first or instruction first."""

import numpy as np

from sparkllm_optimizer import choose_layout, data_first


def test_one_call_keeps_its_instruction_first() -> None:
    layout = choose_layout([50], [100] * 1_000, [0] * 1_000)
    assert layout.first == "instruction"
    assert layout.instruction_first_tokens == 50 + 100 * 1_000


def test_several_short_calls_on_long_rows_put_the_data_first() -> None:
    layout = choose_layout([20, 20, 20], [500] * 100, [0] * 100)
    assert layout.first == "data"
    assert layout.data_first_tokens == 500 * 100 + 60 * 100
    assert layout.instruction_first_tokens == 60 + 3 * 500 * 100


def test_long_instructions_on_rows_that_share_most_stay_first() -> None:
    assert choose_layout([400, 400], [100] * 100, [90] * 100).first == "instruction"


def test_each_row_stands_first_where_that_saves_more_than_its_instructions_cost() -> None:
    rows = np.array([10, 30, 31, 400])
    assert data_first([20, 20, 20], rows).tolist() == [False, False, True, True]
    assert data_first([20], rows).tolist() == [False] * 4
