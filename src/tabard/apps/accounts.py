"""Making accounts: what `tabard account create` and `tabard dev` do before anyone can sign a request."""

from dataclasses import dataclass
from datetime import datetime

from tabard.directory.entities import AccessKey, Account, KeyStatus, User
from tabard.names import ids
from tabard.names.arn import iam_arn
from tabard.ports.secret_box import SecretBox
from tabard.ports.store import Records
from tabard.ports.world import Entropy

ADMINISTRATOR_ACCESS = iam_arn("aws", "policy/AdministratorAccess")


@dataclass(frozen=True, slots=True)
class NewKey:
    """An access key with its secret, to be shown once."""

    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"NewKey({self.access_key_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMaker:
    """Writes accounts, users and keys into one transaction."""

    records: Records
    now: datetime
    entropy: Entropy
    secrets: SecretBox

    def account(self, name: str, *, account_id: str | None = None) -> tuple[Account, NewKey]:
        """A new account with one root key. The caller has checked that its name, and an id that it names, are free."""
        made_up = ids.free(lambda: ids.account_id(entropy=self.entropy(ids.ACCOUNT_ENTROPY)), self.records.accounts.get)
        account = Account(id=account_id or made_up, name=name, created=self.now)
        self.records.accounts.put(account)
        return account, self.key(account.id, owner_id=account.id)

    def administrator(self, account: str, name: str) -> tuple[User, NewKey]:
        """A user with AdministratorAccess and one key."""
        user = User(
            account=account,
            name=name,
            id=ids.free(
                lambda: ids.unique_id(ids.USER, account, entropy=self.entropy(ids.UNIQUE_ID_ENTROPY)),
                self.records.users.get_by_id,
            ),
            created=self.now,
            attached_policies=(ADMINISTRATOR_ACCESS,),
        )
        self.records.users.put(user)
        return user, self.key(account, owner_id=user.id)

    def key(self, account: str, *, owner_id: str) -> NewKey:
        """One active access key for a user or, when the owner is the account, for root."""
        key_id = ids.free(
            lambda: ids.access_key_id(ids.LONG_TERM_KEY, account, entropy=self.entropy(ids.ACCESS_KEY_ENTROPY)),
            self.records.access_keys.get,
        )
        secret = ids.secret_access_key(entropy=self.entropy(ids.SECRET_ENTROPY))
        self.records.access_keys.put(
            AccessKey(
                id=key_id,
                account=account,
                owner_id=owner_id,
                sealed_secret=self.secrets.seal(key_id, secret.encode()),
                created=self.now,
            )
        )
        return NewKey(key_id, secret)

    def first_key(self, account: str, *, owner_id: str) -> NewKey:
        """The owner's oldest key that works, opened; a new one if there is none."""
        keys = [key for key in self.records.access_keys.of(owner_id) if key.status is KeyStatus.ACTIVE]
        if not keys:
            return self.key(account, owner_id=owner_id)
        return NewKey(keys[0].id, self.secrets.open(keys[0].id, keys[0].sealed_secret).decode())
