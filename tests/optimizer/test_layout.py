"""Data first or instruction first."""

from sparkllm_optimizer import choose_layout


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
