"""K17, K09, K10: a deputy that is talked into using its rights for somebody else, and a session that tries to widen its own.

Driven from outside with boto3. Each attack stands beside a control that works.

(IAM User Guide, "The confused deputy problem", "Session policies"; CVE-2025-62506, GHSA-xgr5 for K09.)
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.conftest import Keys, allow, document, trust
from tests.journeys.tenant import Someone, Tenant, denied, new_name, refused

pytestmark = [pytest.mark.journey, pytest.mark.enable_socket]

ASSUME = "sts:AssumeRole"


@pytest.fixture
def deputy(abroad: Tenant) -> Someone:
    """A service of another account that takes roles of its customers."""
    return abroad.user(allow(ASSUME), name="deputy")


# ── K17 ──────────────────────────────────────────────────────────────────────────────────────────────


def customer_role(at: Tenant, deputy: Someone, external_id: str) -> str:
    return at.role(trust({"AWS": deputy.arn}, Condition={"StringEquals": {"sts:ExternalId": external_id}}))


def test_k17_the_role_of_one_customer_is_not_taken_with_the_external_id_of_another(
    home: Tenant,
    deputy: Someone,
) -> None:
    victim, attacker = customer_role(home, deputy, "victim-7"), customer_role(home, deputy, "attacker-8")

    assert home.session(attacker, deputy.keys, ExternalId="attacker-8")  # the control
    for named in ("attacker-8", "victim-", "Victim-7", "victim-77"):
        with refused("AccessDenied", denied(deputy.arn, ASSUME, victim), status=403):
            home.session(victim, deputy.keys, ExternalId=named)


def test_k17_no_external_id_is_no_external_id(home: Tenant, deputy: Someone) -> None:
    role = customer_role(home, deputy, "victim-7")
    with refused("AccessDenied", denied(deputy.arn, ASSUME, role)):
        home.session(role, deputy.keys)
    # A pattern that takes everything still takes only what is there.
    any_id = home.role(trust({"AWS": deputy.arn}, Condition={"StringLike": {"sts:ExternalId": "*"}}))
    with refused("AccessDenied"):
        home.session(any_id, deputy.keys)
    assert home.session(any_id, deputy.keys, ExternalId="anything")


def test_k17_a_caller_cannot_say_on_whose_behalf_it_comes(home: Tenant, deputy: Someone) -> None:
    """`aws:SourceArn` and its kin come from a service itself, never from a parameter or a tag of the request."""
    for key in ("aws:SourceArn", "aws:SourceAccount", "aws:PrincipalOrgID", "aws:SourceVpc"):
        role = home.role(
            trust(
                {"AWS": deputy.arn},
                [ASSUME, "sts:TagSession"],
                Condition={"StringLike": {key: "*"}},
            )
        )
        for parameters in (
            {},
            {"Tags": [{"Key": key.removeprefix("aws:"), "Value": "x"}]},
            {"Tags": [{"Key": f"x/{key}", "Value": "x"}]},
        ):
            with refused("AccessDenied"):
                home.session(role, deputy.keys, **parameters)
    if_there = home.role(
        trust({"AWS": deputy.arn}, Condition={"StringEqualsIfExists": {"aws:SourceAccount": home.account}})
    )
    assert home.session(if_there, deputy.keys)  # the control


def test_k17_a_tag_cannot_pass_itself_off_as_another_key(home: Tenant) -> None:
    """Tag keys are the caller's text; they must stay behind `aws:RequestTag/` and `aws:PrincipalTag/`."""
    user = home.user()
    role = home.role(
        trust({"AWS": user.arn}, [ASSUME, "sts:TagSession"]),
        allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/Team": "blue"}}),
    )
    control = home.session(role, user.keys, Tags=[{"Key": "Team", "Value": "blue"}])
    assert home.client("iam", control).list_users()

    for key in ("x/Team", "Team/", " Team", "PrincipalTag/Team", "x:PrincipalTag/Team", "Tea"):
        session = home.session(role, user.keys, Tags=[{"Key": key, "Value": "blue"}])
        with refused("AccessDenied"):
            home.client("iam", session).list_users()
    with refused("InvalidParameterValue"):
        home.session(role, user.keys, Tags=[{"Key": "aws:PrincipalTag/Team", "Value": "blue"}])


def test_k17_a_tag_value_that_looks_like_a_variable_or_a_pattern_is_text(home: Tenant) -> None:
    user = home.user()
    victim = home.user(name="victim")
    role = home.role(
        trust({"AWS": user.arn}, [ASSUME, "sts:TagSession"]),
        allow("iam:ListAccessKeys", f"arn:aws:iam::{home.account}:user/${{aws:PrincipalTag/Name}}"),
    )
    control = home.session(role, user.keys, Tags=[{"Key": "Name", "Value": victim.name}])
    assert home.client("iam", control).list_access_keys(UserName=victim.name)

    with refused("ValidationError", status=400):
        home.session(role, user.keys, Tags=[{"Key": "Name", "Value": "*"}])
    for value in ("", "victim", "user/" + victim.name, "../" + victim.name):
        session = home.session(role, user.keys, Tags=[{"Key": "Name", "Value": value}])
        with refused("AccessDenied"):
            home.client("iam", session).list_access_keys(UserName=victim.name)


# ── K09, K10 ─────────────────────────────────────────────────────────────────────────────────────────

ESCALATIONS: dict[str, Callable[[Any, str, str], Any]] = {
    "a key for itself": lambda iam, user, role: iam.create_access_key(UserName=user),
    "a key for whoever calls": lambda iam, user, role: iam.create_access_key(),
    "a new user": lambda iam, user, role: iam.create_user(UserName=new_name("made")),
    "a new role": lambda iam, user, role: iam.create_role(
        RoleName=new_name("made"), AssumeRolePolicyDocument=trust({"AWS": "111122223333"})
    ),
    "a policy of its own role": lambda iam, user, role: iam.put_role_policy(
        RoleName=role, PolicyName="more", PolicyDocument=document(allow("*"))
    ),
    "a policy attached to its own role": lambda iam, user, role: iam.attach_role_policy(
        RoleName=role, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    ),
    "its own role's trust": lambda iam, user, role: iam.update_assume_role_policy(
        RoleName=role, PolicyDocument=trust({"AWS": "111122223333"})
    ),
    "a policy of the user behind it": lambda iam, user, role: iam.put_user_policy(
        UserName=user, PolicyName="more", PolicyDocument=document(allow("*"))
    ),
    "a group": lambda iam, user, role: iam.create_group(GroupName=new_name("made")),
    "a new version of a policy": lambda iam, user, role: iam.create_policy(
        PolicyName=new_name("made"), PolicyDocument=document(allow("*"))
    ),
    "no boundary any more": lambda iam, user, role: iam.delete_role_permissions_boundary(RoleName=role),
    "its own MFA device": lambda iam, user, role: iam.create_virtual_mfa_device(VirtualMFADeviceName=new_name("made")),
    "who am I in IAM": lambda iam, user, role: iam.get_user(),
}


def test_k09_a_narrowed_session_of_an_administrator_cannot_widen_itself(home: Tenant) -> None:
    user = home.user(name="owner")
    arn = home.role(trust({"AWS": user.arn}), allow("*"))
    role = arn.rsplit("/", 1)[-1]
    users = document(allow("iam:ListUsers"))
    fence = {"Policy": users}, {"PolicyArns": [{"arn": home.policy(allow("iam:ListUsers"))}]}

    for narrowing in fence:
        iam = home.client("iam", home.session(arn, user.keys, **narrowing))
        assert iam.list_users()["Users"]  # the control: it may do what both allow
        for what, escalate in ESCALATIONS.items():
            with refused("AccessDenied", status=403):
                pytest.fail(f"{what}: {escalate(iam, user.name, role)}")


def test_k09_a_session_that_is_only_denied_things_is_allowed_nothing(home: Tenant) -> None:
    arn = home.role(trust({"AWS": home.account}), allow("*"))
    denying = document({"Effect": "Deny", "Action": "iam:DeleteUser", "Resource": "*"})
    iam = home.client("iam", home.session(arn, Policy=denying))

    for call in (iam.list_users, iam.list_roles, iam.list_access_keys):
        with refused("AccessDenied", status=403):
            call()
    control = home.client("iam", home.session(arn))
    assert control.list_users()


def test_k09_a_narrowed_session_takes_no_wider_role(home: Tenant) -> None:
    wide = home.role(trust({"AWS": home.account}), allow("*"))
    arn = home.role(trust({"AWS": home.account}), allow("*"))
    narrowed = home.session(arn, Policy=document(allow("iam:ListUsers")))
    with refused("AccessDenied", status=403):
        home.session(wide, narrowed)

    assert home.session(wide, home.session(arn, Policy=document(allow([ASSUME, "iam:ListUsers"]))))


def test_k09_a_role_that_trusts_the_role_does_not_outweigh_its_sessions_policy(home: Tenant) -> None:
    arn = home.role(trust({"AWS": home.account}), allow("*"))
    trusting_role = home.role(trust({"AWS": arn}), allow("*"))
    narrowed = home.session(arn, Policy=document(allow("iam:ListUsers")))
    with refused("AccessDenied", status=403):
        home.session(trusting_role, narrowed)

    assert home.session(trusting_role, home.session(arn))


def test_k10_session_policies_intersect_with_the_role_and_never_add_to_it(home: Tenant) -> None:
    arn = home.role(
        trust({"AWS": home.account}),
        allow(["iam:ListUsers", "iam:ListGroups"]),
        PermissionsBoundary=home.policy(allow(["iam:ListUsers", "iam:ListRoles"])),
    )
    both = home.client("iam", home.session(arn, Policy=document(allow("*"))))

    assert both.list_users()
    for call in (both.list_groups, both.list_roles, both.list_policies):
        with refused("AccessDenied", status=403):
            call()


def test_k10_two_session_policies_allow_together_and_a_denial_in_one_holds_for_both(
    home: Tenant,
) -> None:
    arn = home.role(trust({"AWS": home.account}), allow("iam:*"))
    groups = home.policy(allow("iam:ListGroups"))
    session = home.client(
        "iam",
        home.session(
            arn,
            PolicyArns=[{"arn": groups}],
            Policy=document(
                allow(["iam:ListUsers", "iam:ListRoles"]),
                {"Effect": "Deny", "Action": "iam:ListRoles", "Resource": "*"},
            ),
        ),
    )

    assert session.list_users()
    assert session.list_groups()
    for call in (session.list_roles, session.list_policies):
        with refused("AccessDenied", status=403):
            call()


def test_k10_the_session_policy_of_one_link_does_not_bind_the_next(home: Tenant) -> None:
    """As on AWS: a chain is a new session, held by its own role and its own session policy."""
    second = home.role(trust({"AWS": home.account}), allow(["iam:ListUsers", "iam:ListGroups"]))
    first = home.role(trust({"AWS": home.account}), allow("*"))
    link = home.session(first, Policy=document(allow(ASSUME)))

    chained = home.client("iam", home.session(second, link, Policy=document(allow("iam:ListUsers"))))

    assert chained.list_users()
    with refused("AccessDenied"):
        chained.list_groups()
    with refused("AccessDenied"):
        home.client("iam", link).list_users()


def test_k10_what_a_user_may_is_given_up_with_the_role(home: Tenant) -> None:
    user = home.user(allow("iam:*"))
    role = home.role(trust({"AWS": user.arn}), allow("iam:ListGroups"))
    session = home.client("iam", home.session(role, user.keys))

    assert session.list_groups()
    with refused("AccessDenied", status=403):
        session.list_users()
    assert home.client("iam", user.keys).list_users()


def test_k11_no_long_session_is_made_of_a_short_one(home: Tenant) -> None:
    user = home.user(allow("*"))
    role = home.role(trust({"AWS": home.account}), allow("*"), MaxSessionDuration=43200)
    session = home.session(role, user.keys)
    of_user = Keys.of(home.client("sts", user.keys).get_session_token()["Credentials"])

    for keys in (session, of_user):
        for name in ("GetSessionToken", "GetFederationToken"):
            with refused("AccessDenied", f"Cannot call {name} with session credentials", status=403):
                _call(home.client("sts", keys), name)
    with refused("ValidationError"):
        home.session(role, session, DurationSeconds=3601)
    assert home.session(role, session, DurationSeconds=3600)


def _call(sts: Any, name: str) -> Any:
    return sts.get_session_token() if name == "GetSessionToken" else sts.get_federation_token(Name="jean")
