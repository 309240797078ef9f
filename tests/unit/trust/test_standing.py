from tabard.policy.compile import compile_policies
from tabard.trust.standing import Standing
from tests.worlds import World

POLICIES = [compile_policies(()) for _ in range(4)]


def test_a_role_must_allow_in_its_own_account_too_and_nothing_else_must() -> None:
    identity, boundary, session, trust = POLICIES
    standing = Standing(principal=World().root().principal, identity=identity, boundary=boundary, session=session)

    plain, with_trust = standing.layers(), standing.layers_with_trust(trust)

    assert (plain.resource, plain.resource_must_allow) == (None, False)
    assert with_trust.resource is trust
    assert with_trust.resource_must_allow
    for layers in (plain, with_trust):
        assert (layers.identity, layers.boundary, layers.session) == (identity, boundary, session)
        assert layers.identity is identity
        assert layers.boundary is boundary
        assert layers.session is session


def test_a_layer_that_does_not_apply_stays_away() -> None:
    layers = Standing(principal=World().root().principal).layers()

    assert (layers.identity, layers.boundary, layers.session) == (None, None, None)
