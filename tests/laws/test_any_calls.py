"""Whatever is called, in whatever order and however much of it at once: never a 5xx, and one record for each call.

The calls are plausible: the names are few, so that they meet, and every so often a value is nonsense.
"""

import asyncio
from random import Random
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from tabard.apps.http import HTTPRequest, HTTPResponse
from tabard.apps.pipeline import table
from tabard.wire.model import OperationModel, Shape, service_model
from tests.houses import InProcessHouse, code_of, in_process_house, signed
from tests.worlds import ALLOW_ALL, trust

CALLS = 250
COMMON = {"", "AccessDenied", "InvalidParameterValue", "MalformedInput", "Throttling", "ValidationError"}
BESIDE_THE_MODEL = {
    ("AssumeRole", "UnsupportedOperation"),
    ("CreateRole", "NoSuchEntity"),
    ("CreateUser", "NoSuchEntity"),
    ("CreateOrganization", "UnsupportedAPIEndpointException"),
    ("DisablePolicyType", "PolicyTypeNotAvailableForOrganizationException"),
    ("ListPolicies", "PolicyTypeNotAvailableForOrganizationException"),
    ("ListPoliciesForTarget", "PolicyTypeNotAvailableForOrganizationException"),
}
"""`ProvidedContexts` and types of organisations and their policies that are not built, and a boundary that is not there."""
IN_JSON = {"", "InvalidInputException", "SerializationException", "TooManyRequestsException"}
GUARD = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}'
NONSENSE = (
    "", "x" * 65, "x" * 200, "é", "\x00", "\U0001f600", "*", "${aws:username}", "arn:::::", "0", "-1", "99999999999",
    "٣", "{}", "[]", "null", "true", "v0", "v99999999999999999999", "9999-12-31T23:59:59Z", "Zm9v", "%", "+", "&",
)  # fmt: skip
OPERATIONS = [
    model
    for service in ("sts", "iam", "organizations")
    for model in service_model(service).operations.values()
    if (service, model.name) in table()
]


def plausible(random: Random, house: InProcessHouse, operation: str, member: str) -> str:
    """A value that a member of this name may well have."""
    account = house.account
    choices: dict[str, tuple[str, ...]] = {
        "PolicyArn": (f"arn:aws:iam::{account}:policy/n1", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        "PermissionsBoundary": (f"arn:aws:iam::{account}:policy/n1",),
        "PolicyDocument": (trust("*"),) if "AssumeRole" in operation else (ALLOW_ALL,),
        "AssumeRolePolicyDocument": (trust("*"), trust(f"arn:aws:iam::{account}:user/n1")),
        "SerialNumber": (f"arn:aws:iam::{account}:mfa/n1",),
        "RoleArn": (f"arn:aws:iam::{account}:role/n1",),
        "VersionId": ("v1", "v2", "v3"),
        "Path": ("/", "/a/"),
        "NewPath": ("/", "/b/c/"),
        "PathPrefix": ("/", "/a/"),
        "AccessKeyId": (house.admin.access_key_id,),
        "MaxItems": ("1", "1000"),
        "Value": ("", "1", "é"),
    }
    return random.choice(choices.get(member, ("n1", "n2", "N1")))


def fields(random: Random, house: InProcessHouse, operation: str, shape: Shape, name: str) -> dict[str, str]:
    """The form fields of one value of a shape."""
    if shape.kind == "structure":
        chosen = [m for m in shape.members if m in shape.required or random.random() < 0.3]
        dot = f"{name}." if name else ""
        return {
            field: value
            for member in chosen
            for field, value in fields(random, house, operation, shape.members[member], f"{dot}{member}").items()
        }
    if shape.kind == "list" and shape.member is not None:
        member = shape.member
        return {
            field: value
            for number in range(1, random.randint(1, 3))
            for field, value in fields(random, house, operation, member, f"{name}.member.{number}").items()
        }
    if random.random() < 0.1:
        return {name: random.choice(NONSENSE)}
    if shape.enum:
        return {name: random.choice(sorted(shape.enum))}
    return {name: plausible(random, house, operation, name.rpartition(".")[2])}


def json_value(random: Random, house: InProcessHouse, shape: Shape, name: str) -> object:
    """A JSON value of a shape, or of something else."""
    if random.random() < 0.03:
        return random.choice([None, 0, 21, True, [], {}, [[]], {"Key": 1}, "x"])
    if shape.kind == "structure":
        chosen = [m for m in shape.members if m in shape.required or random.random() < 0.3]
        return {member: json_value(random, house, shape.members[member], member) for member in chosen}
    if shape.kind == "list" and shape.member is not None:
        return [json_value(random, house, shape.member, name) for _ in range(random.randint(0, 3))]
    if shape.kind in ("integer", "boolean"):
        return random.choice([1, 20]) if shape.kind == "integer" else True
    if shape.enum:
        return random.choice([*sorted(shape.enum), *("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY") * 5][-12:])
    return of_the_company(random, house, name)


def of_the_company(random: Random, house: InProcessHouse, member: str) -> str:
    """Something that a member of this name may well name, as far as it has been made."""
    with house.world.store.read() as records:
        companies = list(records.organizations.list())
        roots = [each.root_id for each in companies]
        units = [unit.id for root in roots for unit in records.organizational_units.list(root)]
        policies = [policy.id for each in companies for policy in records.organization_policies.list(each.id)]
    parents = [*roots, *units, "r-aaaa"]
    choices: dict[str, list[str]] = {
        "RootId": [*roots, "r-aaaa"],
        "OrganizationalUnitId": [*units, "ou-aaaa-aaaaaaaa"],
        "AccountId": [house.account, "999999999999"],
        "ChildId": [*units, house.account],
        "PolicyId": [*policies, "p-FullAWSAccess", "p-RCPFullAWSAccess", "p-aaaaaaaa"],
        "TargetId": [*parents, house.account],
        "ResourceId": [*parents, *policies, house.account, "p-FullAWSAccess"],
        "Content": [ALLOW_ALL, ALLOW_ALL.replace("Allow", "Deny"), GUARD],
        **dict.fromkeys(("ParentId", "SourceParentId", "DestinationParentId"), parents),
    }
    return random.choice([*choices.get(member, ["n1", "n2", "N1"]), *NONSENSE[random.randrange(len(NONSENSE)) :][:1]])


def any_call(random: Random, house: InProcessHouse) -> tuple[OperationModel, HTTPRequest]:
    model = random.choice(OPERATIONS)
    if service_model(model.service).target:
        content = json_value(random, house, model.input, "") if model.input is not None else {}
        target = f"{service_model(model.service).target}.{model.name}"
        return model, signed(house.json_draft(target, content, key=house.root))
    given = fields(random, house, model.name, model.input, "") if model.input is not None else {}
    body = f"Action={model.name}&Version={model.version}" + "".join(f"&{n}={quote(v)}" for n, v in given.items())
    return model, signed(house.draft(body.encode(), service=model.service, key=house.root))


def require_expected(model: OperationModel, answer: HTTPResponse) -> None:
    assert answer.status < 500
    if service_model(model.service).target:
        told = answer.headers.get("x-amzn-ErrorType", "")
        assert told in IN_JSON or told in model.errors or (model.name, told) in BESIDE_THE_MODEL, (model.name, told)
        return
    code = code_of(answer)
    assert code in COMMON or code in model.errors or (model.name, code) in BESIDE_THE_MODEL, (model.name, code)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_calls_one_after_the_other(seed: int) -> None:
    random = Random(seed)
    with in_process_house() as house:
        for _ in range(CALLS):
            model, http = any_call(random, house)
            house.records.clear()
            require_expected(model, house.answer(http))
            assert len(house.records) == 1


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_any_calls_at_once(seed: int) -> None:
    random = Random(seed)
    with in_process_house() as house:
        calls = [any_call(random, house) for _ in range(CALLS)]

        async def all_at_once() -> list[HTTPResponse]:
            return await asyncio.gather(*(house.application.respond(http) for _, http in calls))

        for (model, _), answer in zip(calls, house.run(all_at_once()), strict=True):
            require_expected(model, answer)
        assert len(house.records) == CALLS
