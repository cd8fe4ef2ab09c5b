from bp_core.shared.auditing import Difference, difference


def test_a_difference_keeps_only_what_changed_before_and_after() -> None:
    changed = difference({"name": "Pune", "division": "HVAC"}, {"name": "Supa", "division": "HVAC"})

    assert changed == Difference({"name": "Pune"}, {"name": "Supa"})


def test_a_new_fact_was_null_before() -> None:
    assert difference({}, {"plant_id": 1}) == Difference({"plant_id": None}, {"plant_id": 1})


def test_null_is_a_value_like_any_other() -> None:
    assert difference({"plant_id": 1}, {"plant_id": None}) == Difference({"plant_id": 1}, {"plant_id": None})


def test_equal_facts_do_not_differ() -> None:
    assert difference({"name": "Pune"}, {"name": "Pune"}) == Difference({}, {})
