"""Which accounts there are and who may open their mail: the accounts' file, whose secrets lie elsewhere."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from crawlers.errors import NoAccount

#: Opens a secret that was sealed with MESH_ENCRYPTION_KEYS.
Unseal = Callable[[str], Any]


class Mailbox(BaseModel):
    """Where an account's login codes arrive: an IMAP mailbox, or the outbox of a stand-in.

    Its password stands in an environment variable or sealed, never in clear.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["imap", "outbox"] = "imap"
    host: str = "imap.gmail.com"
    username: str = ""
    password_env: str | None = None
    password_sealed: str | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _is_reachable(self) -> Self:
        if self.kind == "outbox" and not self.url:
            raise ValueError("an outbox needs its url")
        if self.kind == "imap" and not (self.username and (self.password_env or self.password_sealed)):
            raise ValueError("an IMAP mailbox needs username, and password_env or password_sealed")
        return self

    def password(self, unseal: Unseal | None, environment: Mapping[str, str] = os.environ) -> str:
        """Return the mailbox's password; raises NoAccount where it is not to be had."""
        if self.password_env:
            if not (found := environment.get(self.password_env)):
                raise NoAccount(f"{self.password_env}, the password of mailbox {self.username}, is not set")
            return found
        if unseal is None:
            raise NoAccount(f"the password of mailbox {self.username} is sealed, and MESH_ENCRYPTION_KEYS is not set")
        return str(unseal(self.password_sealed or ""))


class Account(BaseModel):
    """A seller's account: who logs in, for which region, and as whose operator its rows are stored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=64)]
    email: Annotated[str, Field(min_length=3, validation_alias=AliasChoices("login_email", "loginEmail", "email"))]
    region: str = "MX"
    operator_id: str | None = Field(None, validation_alias=AliasChoices("operator_id", "operatorId", "creator_id"))
    enabled: bool = True
    mailbox: Mailbox | None = None


_FILE = TypeAdapter(list[Account])


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a file, in its order."""

    listed: Sequence[Account]
    #: Why there are none, where the file cannot be read: told to whoever asks for an account.
    problem: str = ""

    @classmethod
    def read(cls, path: Path | None) -> "Accounts":
        """Read the file; without one, or with a mistake in it, there is no account, and `problem` says why."""
        if path is None:
            return cls((), "MESH_ACCOUNTS_FILE is not set")
        try:
            return cls.of(json.loads(path.read_text()))
        except (OSError, ValueError) as error:
            return cls((), f"the accounts' file {path} cannot be read: {_told(error)}")

    @classmethod
    def of(cls, entries: Any) -> "Accounts":
        """Read entries as the file holds them; raises ValueError."""
        read = _FILE.validate_python(entries)
        if len({account.name for account in read}) < len(read):
            raise ValueError("two accounts have the same name")
        return cls([account.model_copy(update={"region": account.region.upper()}) for account in read])

    def fitting(self, region: str, name: str | None = None) -> list[Account]:
        """Return the accounts that may crawl for a region, the named one alone where one is named.

        Raises NoAccount where there is none: another region's account would read another region's samples, and write
        to its creators.
        """
        if self.problem:
            raise NoAccount(self.problem)
        if name:
            found = [account for account in self.listed if account.name == name and account.enabled]
            if not found:
                raise NoAccount(f"no enabled account is called {name}")
            if found[0].region != region.upper():
                raise NoAccount(
                    f"account {name} is of region {found[0].region}, and what is asked for is of {region.upper()}, "
                    "which is also meant where no region is told"
                )
            return found
        found = [account for account in self.listed if account.enabled and account.region == region.upper()]
        if not found:
            raise NoAccount(f"no enabled account drives region {region}; see MESH_ACCOUNTS_FILE")
        return found


def local_account(base: str, region: str = "MX", name: str = "sandbox") -> Account:
    """Return an account of a stand-in at `base`, whose codes are in its outbox."""
    mailbox = Mailbox(kind="outbox", url=f"{base.rstrip('/')}/_sandbox/mail")
    return Account(name=name, email=f"{name}@example.com", region=region.upper(), mailbox=mailbox)


def _told(error: Exception) -> str:
    """Say what is wrong without repeating what was written: it may be a secret in the wrong place."""
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error) if isinstance(error, OSError) else f"{type(error).__name__}: {str(error)[:200]}"
