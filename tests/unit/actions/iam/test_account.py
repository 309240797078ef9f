from tabard.directory.entities import MFADevice
from tests.unit.actions.iam.calls import asked, call
from tests.worlds import ALLOW_ALL, NOW, OTHER_ACCOUNT, World

RECORDED_QUOTAS = {
    "UsersQuota": 5000,
    "GroupsQuota": 300,
    "RolesQuota": 1000,
    "PoliciesQuota": 1500,
    "InstanceProfilesQuota": 1000,
    "PolicySizeQuota": 6144,
    "RolePolicySizeQuota": 10240,
    "UserPolicySizeQuota": 2048,
    "GroupPolicySizeQuota": 5120,
    "AssumeRolePolicySizeQuota": 2048,
    "VersionsPerPolicyQuota": 5,
    "PolicyVersionsInUseQuota": 10000,
    "AccessKeysPerUserQuota": 2,
    "GroupsPerUserQuota": 10,
    "AttachedPoliciesPerUserQuota": 10,
    "AttachedPoliciesPerRoleQuota": 10,
    "AttachedPoliciesPerGroupQuota": 10,
    "GlobalEndpointTokenVersion": 1,
}


def counts(world: World, **caller) -> dict[str, int]:
    summary = call(world, "GetAccountSummary", **caller).summary_map
    return {key: value for key, value in summary.items() if "Quota" not in key and value}


def test_quotas_are_those_that_aws_reports():
    summary = call(World(), "GetAccountSummary").summary_map
    assert {key: summary[key] for key in RECORDED_QUOTAS} == RECORDED_QUOTAS


def test_counts_are_real():
    world = World()
    user = world.user("u")
    world.group("g")
    world.role("r")
    policy = world.policy("p")
    call(world, "CreatePolicyVersion", policy_arn=policy.arn, policy_document=ALLOW_ALL)
    call(world, "CreateInstanceProfile", instance_profile_name="ip")
    call(world, "CreateAccessKey")
    call(world, "CreateSAMLProvider", name="idp")
    for host in ("one.test", "two.test"):
        call(world, "CreateOpenIDConnectProvider", url=f"https://{host}")
    with world.store.write() as records:
        for name, owner in (("free", None), ("taken", user.id)):
            device = MFADevice(
                account=user.account, name=name, created=NOW, sealed_seed=b"", owner_id=owner, enabled=NOW
            )
            records.mfa_devices.put(device)
    assert counts(world) == {
        "Users": 1,
        "Groups": 1,
        "Roles": 1,
        "Policies": 1,
        "PolicyVersionsInUse": 2,
        "InstanceProfiles": 1,
        "MFADevices": 2,
        "MFADevicesInUse": 1,
        "Providers": 3,
        "AccountAccessKeysPresent": 1,
        "GlobalEndpointTokenVersion": 1,
    }


def test_t02_another_account_counts_its_own():
    """Attack T02: what one account holds is in no other's numbers."""
    world = World()
    world.account(OTHER_ACCOUNT, "other")
    world.user("u")
    call(world, "CreateAccessKey")
    assert counts(world, caller=world.root(OTHER_ACCOUNT)) == {"GlobalEndpointTokenVersion": 1}
    assert counts(world)["Users"] == 1


def test_questions_have_no_resource():
    assert asked(World(), "GetAccountSummary") == [("iam:GetAccountSummary", "*")]
