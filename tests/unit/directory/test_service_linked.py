import pytest

from tabard.directory.service_linked import LINKED_SERVICES, SERVICE_ROLE_POLICIES
from tabard.policy.document import Kind
from tabard.policy.parse import parse_policy


def test_names_and_policies_are_each_one_service_s():
    assert len({service.role_name for service in LINKED_SERVICES.values()}) == len(LINKED_SERVICES)
    assert len(SERVICE_ROLE_POLICIES) == len(LINKED_SERVICES)
    assert len({policy.id for policy in SERVICE_ROLE_POLICIES.values()}) == len(SERVICE_ROLE_POLICIES)


@pytest.mark.parametrize("service", LINKED_SERVICES.values(), ids=LINKED_SERVICES)
def test_documents_are_such_as_can_be_saved(service):
    trust = parse_policy(service.trust_policy, Kind.TRUST)
    assert trust.statements[0].principals.service == (service.principal,)
    policy = SERVICE_ROLE_POLICIES[service.policy_arn]
    assert parse_policy(policy.document, Kind.MANAGED).statements[0].actions == ("none:null",)
    assert policy.arn == service.policy_arn
