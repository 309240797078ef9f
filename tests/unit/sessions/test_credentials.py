from tabard.names.ids import ACCESS_KEY_ID, account_of
from tabard.sessions.credentials import new_credentials
from tests.worlds import CountingEntropy


def test_new_credentials_are_temporary_and_carry_the_account():
    entropy = CountingEntropy()
    key_id, secret = new_credentials("111122223333", entropy=entropy)
    assert ACCESS_KEY_ID.fullmatch(key_id)
    assert key_id.startswith("ASIA")
    assert account_of(key_id) == "111122223333"
    assert len(secret) == 40
    assert new_credentials("111122223333", entropy=entropy) != (key_id, secret)
