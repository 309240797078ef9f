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
}
"""`ProvidedContexts`, which is not built, and a boundary that is not there."""
NONSENSE = (
    "", "x" * 65, "x" * 200, "é", "\x00", "\U0001f600", "*", "${aws:username}", "arn:::::", "0", "-1", "99999999999",
    "٣", "{}", "[]", "null", "true", "v0", "v99999999999999999999", "9999-12-31T23:59:59Z", "Zm9v", "%", "+", "&",
)  # fmt: skip
QUERY = ("sts", "iam")
OPERATIONS = [
    model
    for service in QUERY
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


def any_call(random: Random, house: InProcessHouse) -> tuple[OperationModel, HTTPRequest]:
    model = random.choice(OPERATIONS)
    given = fields(random, house, model.name, model.input, "") if model.input is not None else {}
    body = f"Action={model.name}&Version={model.version}" + "".join(f"&{n}={quote(v)}" for n, v in given.items())
    return model, signed(house.draft(body.encode(), service=model.service, key=house.root))


def require_expected(model: OperationModel, answer: HTTPResponse) -> None:
    code = code_of(answer)
    assert answer.status < 500
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
