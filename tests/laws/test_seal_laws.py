"""Laws of session tokens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabard.faults import ExpiredToken, InvalidClientTokenId, PackedPolicyTooLarge
from tabard.sessions.claims import SessionClaims, SessionKind
from tabard.sessions.rules import require_current
from tabard.sessions.seal import MAXIMUM, TokenKeys, open_token, seal_token

KEYS = TokenKeys(1, {1: b"k" * 32})
texts = st.text(st.characters(codec="utf-8"), max_size=40)
instants = st.integers(1_500_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
claims = st.builds(
    SessionClaims,
    kind=st.sampled_from(SessionKind),
    account=st.just("111122223333"),
    access_key_id=st.just("ASIAEXAMPLEEXAMPLE12"),
    secret_access_key=texts,
    issuer_id=texts,
    issued=instants,
    expires=instants,
    name=texts,
    issuing_key_id=texts,
    tags=st.dictionaries(texts, texts, max_size=8),
    transitive_tag_keys=st.lists(texts, max_size=3).map(tuple),
    source_identity=st.none() | texts,
    policy=st.none() | st.text(st.characters(max_codepoint=0xFF), max_size=800),
    policy_arns=st.lists(texts, max_size=3).map(tuple),
    mfa_at=st.none() | instants,
    federated_provider=st.none() | texts,
    context=st.dictionaries(texts, texts, max_size=3),
)
nonces = st.binary(min_size=12, max_size=12)


@given(claims, nonces, st.integers(0, MAXIMUM))
def test_opening_what_was_sealed_gives_the_claims_back(sealed, nonce, minimum):
    try:
        token = seal_token(sealed, KEYS, nonce=nonce, minimum_size=minimum)
    except PackedPolicyTooLarge:
        return
    assert minimum <= len(token) <= MAXIMUM
    assert open_token(token, sealed.access_key_id, KEYS) == sealed


@given(claims, nonces, st.data())
def test_any_character_changed_closes_the_token(sealed, nonce, data):
    try:
        token = seal_token(sealed, KEYS, nonce=nonce)
    except PackedPolicyTooLarge:
        return
    position = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[position]))
    with pytest.raises(InvalidClientTokenId):
        open_token(token[:position] + other + token[position + 1 :], sealed.access_key_id, KEYS)


@given(st.text(max_size=400))
def test_any_text_at_all_is_refused_as_a_fault(text):
    with pytest.raises(InvalidClientTokenId):
        open_token(text, "ASIAEXAMPLEEXAMPLE12", KEYS)


@given(claims, st.integers(-(10**6), 10**6))
def test_a_session_is_current_exactly_until_it_expires(session, offset):
    now = session.expires + timedelta(seconds=offset)
    if now < session.expires:
        require_current(session, now=now)
    else:
        with pytest.raises(ExpiredToken):
            require_current(session, now=now)
