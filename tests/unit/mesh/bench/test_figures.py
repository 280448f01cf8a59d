import pytest

from mesh.bench.figures import Account, Figures, Measured, Target, accounted


def figures(**values: list[float]) -> Figures:
    return Figures({name: [Measured(value) for value in series] for name, series in values.items()})


def test_one_slow_round_does_not_move_the_median() -> None:
    assert figures(a=[100, 1, 102]).median_of("a") == 100


def test_the_ratio_is_the_middle_of_the_ratios_of_each_round() -> None:
    # The machine was four times slower in the second round, for both.
    assert figures(a=[80, 20, 90], b=[10, 2.5, 30]).ratio_of("a", "b") == 8


def test_what_is_missing_is_lost_and_what_is_there_twice_is_duplicated() -> None:
    assert accounted(expected=10, present=10, distinct=10) == Account(expected=10)
    assert accounted(expected=10, present=7, distinct=7) == Account(expected=10, lost=3)
    assert accounted(expected=10, present=12, distinct=9) == Account(expected=10, lost=1, duplicated=3)


@pytest.mark.parametrize("account", [Account(expected=5, lost=1), Account(expected=5, duplicated=1)])
def test_one_loss_or_duplicate_in_one_round_of_one_variant_spoils_the_run(account: Account) -> None:
    clean = Measured(1.0, Account(expected=5))
    assert Figures({"a": [clean, clean], "b": [clean, clean]}).is_clean
    assert not Figures({"a": [clean, clean], "b": [clean, Measured(1.0, account)]}).is_clean


def test_accounts_of_all_rounds_add_up() -> None:
    rounds = [Measured(1.0, Account(expected=5, lost=1)), Measured(1.0, Account(expected=5, duplicated=2))]
    assert Figures({"a": rounds}).account_of("a") == Account(expected=10, lost=1, duplicated=2)


def test_what_loses_nothing_by_nature_has_no_account_and_is_clean() -> None:
    assert figures(a=[1.0]).account_of("a") is None
    assert figures(a=[1.0]).is_clean


@pytest.mark.parametrize(
    ("target", "is_met"),
    [
        (Target("a", "b", at_least=8), True),
        (Target("a", "b", at_least=8.1), False),
        (Target("a", at_most=80), True),
        (Target("a", at_most=79), False),
    ],
)
def test_a_target_bounds_a_median_or_a_ratio(target: Target, is_met: bool) -> None:
    found = figures(a=[80.0], b=[10.0])
    assert target.is_met_by(found.value_of(target)) is is_met


def test_a_target_may_bound_the_median_of_a_fact() -> None:
    found = Figures({"a": [Measured(1.0, facts={"p99_ms": each}) for each in (40, 90, 45)]})
    assert found.value_of(Target("a", fact="p99_ms", at_most=50)) == 45
