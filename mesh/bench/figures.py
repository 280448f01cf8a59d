"""What a benchmark says: values, their medians and ratios, and whether every effect was accounted for."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How many effects were asked for, how many are missing, and how many there are too many."""

    expected: int
    lost: int = 0
    duplicated: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether everything happened, and happened once."""
        return not self.lost and not self.duplicated

    def __add__(self, other: "Account") -> "Account":
        return Account(
            expected=self.expected + other.expected,
            lost=self.lost + other.lost,
            duplicated=self.duplicated + other.duplicated,
        )


def accounted(expected: int, present: int, distinct: int) -> Account:
    """Compare what was asked for with what is there: `present` in all, `distinct` of them different."""
    return Account(expected=expected, lost=max(expected - distinct, 0), duplicated=present - distinct)


@dataclass(frozen=True, slots=True)
class Measured:
    """One value of one variant; `facts` are told but not compared."""

    value: float
    account: Account | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on the median of a variant, of its ratios to another (`to`), or of one of its facts (`fact`)."""

    of: str
    to: str | None = None
    fact: str | None = None
    at_least: float | None = None
    at_most: float | None = None

    def is_met_by(self, value: float) -> bool:
        """Whether a value keeps within the bound."""
        is_enough = self.at_least is None or value >= self.at_least
        return is_enough and (self.at_most is None or value <= self.at_most)

    def is_about(self, variants: Container[str]) -> bool:
        """Whether all that it compares is among some variants."""
        return self.of in variants and (self.to is None or self.to in variants)


@dataclass(frozen=True, slots=True)
class Figures:
    """The values of a whole run, by variant and in order of rounds."""

    values: Mapping[str, Sequence[Measured]]

    def median_of(self, variant: str) -> float:
        """Return the middle value of a variant."""
        return median(each.value for each in self.values[variant])

    def ratio_of(self, variant: str, to: str) -> float:
        """Return the middle of the ratios of each round.

        The two values of a round were measured one after the other, so that what slowed the machine down meanwhile
        slowed both; medians of each would compare different minutes.
        """
        pairs = zip(self.values[variant], self.values[to], strict=True)
        return median(each.value / other.value for each, other in pairs)

    def account_of(self, variant: str) -> Account | None:
        """Return what all rounds of a variant lost and duplicated; None where nothing can be."""
        accounts = [each.account for each in self.values[variant] if each.account is not None]
        return sum(accounts[1:], accounts[0]) if accounts else None

    def value_of(self, target: Target) -> float:
        """Return the value that a target bounds."""
        if target.fact:
            return float(median(each.facts[target.fact] for each in self.values[target.of]))
        return self.ratio_of(target.of, target.to) if target.to else self.median_of(target.of)

    @property
    def is_clean(self) -> bool:
        """Whether no variant lost anything or did it twice."""
        accounts = map(self.account_of, self.values)
        return all(account is None or account.is_clean for account in accounts)
