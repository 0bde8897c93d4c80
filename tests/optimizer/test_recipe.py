"""Plans learned on a sample, applied to rows not seen."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import PlanOptions, Recipe, apply_recipe, learn_recipe, plan, prefix_hits


def competing_table(rows: int, seed: int) -> pa.Table:
    """Half of the rows repeat a shop and its address, the other half a customer and his letter."""
    rng = np.random.default_rng(seed)
    by_shop = rng.random(rows) < 0.5
    number = rng.integers(0, 3, rows)
    return pa.table(
        {
            "kind": np.where(by_shop, "sale by shop", "letter of customer"),
            "shop": [
                f"shop {n if s else 10 + i}" * 3
                for i, (s, n) in enumerate(zip(by_shop, number, strict=True))
            ],
            "customer": [
                f"customer {10 + i if s else n}" * 3
                for i, (s, n) in enumerate(zip(by_shop, number, strict=True))
            ],
            "amount": rng.integers(0, 10**6, rows),
        }
    )


@given(st.integers(0, 10**6), st.integers(0, 60))
@settings(max_examples=30, deadline=None)
def test_a_recipe_plans_any_row_once(seed: int, rows: int) -> None:
    recipe = learn_recipe(competing_table(80, seed))
    table = competing_table(rows, seed + 1)
    planned = apply_recipe(recipe, table)
    assert sorted(planned.row_ids.tolist()) == list(range(rows))
    assert all(sorted(g.columns) == sorted(table.column_names) for g in planned.groups)


def test_rules_beat_one_order_on_rows_not_seen() -> None:
    recipe = learn_recipe(competing_table(300, 0))
    unseen = competing_table(2_000, 1)
    assert recipe.rules
    one_order = prefix_hits(plan(unseen, PlanOptions(column_order="perQuery")), unseen)
    assert prefix_hits(apply_recipe(recipe, unseen), unseen).cached > one_order.cached


def test_a_recipe_survives_its_json_form() -> None:
    recipe = learn_recipe(competing_table(300, 0))
    assert Recipe.from_json(recipe.to_json()) == recipe


def test_per_query_learns_one_order() -> None:
    options = PlanOptions(column_order="perQuery")
    assert learn_recipe(competing_table(300, 0), options).rules == ()
