"""What answers beside the calls: readiness, and the difference between a form and something else.

How whole requests are answered is in `tests/attacks/test_bad_requests.py`.
"""

import pytest

from tabard.adapters.stores.memory import MemoryStore
from tabard.apps.api.application import is_form
from tabard.ports.store import Changes, StoreUnavailable
from tests.houses import in_process_house, request


class SilentStore(MemoryStore):
    """A store that stops answering."""

    silent = False

    def changes_since(self, revision: int) -> Changes:
        if self.silent:
            raise StoreUnavailable("the database at db.example.test does not answer")
        return super().changes_since(revision)


def test_readiness_follows_the_store_and_health_does_not() -> None:
    store = SilentStore()
    with in_process_house(store=store) as house:

        def get(path: bytes) -> tuple[int, bytes]:
            answer = house.answer(request(method="GET", path=path, headers=()))
            return answer.status, answer.body

        assert (get(b"/healthz"), get(b"/readyz")) == ((200, b"ok\n"), (200, b"ready\n"))
        store.silent = True
        assert get(b"/healthz") == (200, b"ok\n")
        assert get(b"/readyz") == (503, b"the database at db.example.test does not answer\n")
        store.silent = False
        assert get(b"/readyz") == (200, b"ready\n")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"application/x-www-form-urlencoded", True),
        (b"application/x-www-form-urlencoded; charset=utf-8", True),
        (b"APPLICATION/X-WWW-FORM-URLENCODED ;a=b", True),
        (b"application/x-www-form-urlencodedx", False),
        (b"application/x-www-form-urlencoded,text/plain", False),
        (b"text/plain; application/x-www-form-urlencoded", False),
        (b"multipart/form-data", False),
        (b"application/json", False),
        (b"", False),
    ],
)
def test_only_a_form_is_a_form(kind: bytes, expected: bool) -> None:
    assert is_form(request(headers=((b"host", b"x"), (b"content-type", kind)))) is expected


def test_of_two_content_types_the_first_decides_and_none_is_none() -> None:
    form, text = (b"content-type", b"application/x-www-form-urlencoded"), (b"content-type", b"text/plain")

    assert is_form(request(headers=(form, text)))
    assert not is_form(request(headers=(text, form)))
    assert not is_form(request(headers=()))
