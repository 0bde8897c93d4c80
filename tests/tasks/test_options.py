"""Options as SQL, maps of strings and the DataFrame API write them."""

import pytest

from sparkllm.tasks import CallError
from sparkllm.tasks.options import ERROR_OPTIONS, common_options, read_options
from sparkllm_engine import SamplingParameters


@pytest.mark.parametrize(
    ("value", "strings"),
    [
        ("\n", ("\n",)),
        (" ,", (" ,",)),
        (["\n\n", "END"], ("\n\n", "END")),
        ('["\\n", "END"]', ("\n", "END")),
    ],
)
def test_stop_strings_stay_as_they_are_written(value: object, strings: tuple[str, ...]) -> None:
    assert read_options({"stop": value}) == {"stop": strings}


@pytest.mark.parametrize("value", ["", [], [""], [None], ["a", None], "[]", 5])
def test_a_stop_string_that_means_nothing_is_refused(value: object) -> None:
    with pytest.raises(CallError, match=r"option stop => .* is not valid"):
        read_options({"stop": value})


def test_the_engine_knows_every_option_but_those_of_the_prompt() -> None:
    names = set(common_options()) - {"returns", "overflow", *ERROR_OPTIONS}
    assert names <= set(SamplingParameters.__dataclass_fields__)


@pytest.mark.parametrize("value", ["3", 3, 3.0])
def test_the_least_tokens_are_a_whole_number(value: object) -> None:
    assert read_options({"min_tokens": value}) == {"min_tokens": 3}
