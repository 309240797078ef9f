import json
from datetime import timedelta

import pytest

from tabard.directory.service_linked import LINKED_SERVICES
from tabard.faults import NoSuchEntity
from tests.unit.actions.iam.calls import ROWS, asked, call, play_refusal, present, refusals, request
from tests.worlds import ACCOUNT, NOW, World, refused

LEX, ROLE = "lex.amazonaws.com", "AWSServiceRoleForLexBots"
ARN = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/{LEX}/{ROLE}"


def created(service: str = LEX, **parameters) -> World:
    world = World()
    call(world, "CreateServiceLinkedRole", aws_service_name=service, **parameters)
    return world


@pytest.mark.parametrize("case", refusals("service_linked_roles"))
def test_refusals(case):
    play_refusal(World(), case)


def test_a_role_has_aws_s_name_path_trust_and_policy():
    answer = call(World(), "CreateServiceLinkedRole", aws_service_name=LEX, description="for bots").role
    assert (answer.arn, answer.path, answer.create_date) == (ARN, f"/aws-service-role/{LEX}/", NOW)
    assert present(answer) == {"path", "role_name", "role_id", "arn", "create_date", "assume_role_policy_document"}
    (statement,) = json.loads(answer.assume_role_policy_document)["Statement"]
    assert statement == {"Effect": "Allow", "Principal": {"Service": LEX}, "Action": "sts:AssumeRole"}


def test_the_role_is_found_like_any_other():
    world = created(description="for bots")
    role = call(world, "GetRole", role_name=ROLE).role
    assert (role.description, role.max_session_duration) == ("for bots", 3600)
    (attached,) = call(world, "ListAttachedRolePolicies", role_name=ROLE).attached_policies
    assert attached.policy_arn == "arn:aws:iam::aws:policy/aws-service-role/AmazonLexBotPolicy"
    found = call(world, "GetPolicy", policy_arn=attached.policy_arn).policy
    assert (found.policy_name, found.path, found.attachment_count) == ("AmazonLexBotPolicy", "/aws-service-role/", 1)
    listed = call(world, "ListRoles", path_prefix="/aws-service-role/").roles
    assert [each.role_name for each in listed] == [ROLE]


def test_the_description_may_be_changed_and_nothing_else():
    world = created()
    call(world, "UpdateRoleDescription", role_name=ROLE, description="new")
    assert call(world, "GetRole", role_name=ROLE).role.description == "new"


def test_a_suffix_makes_another_role():
    world = created("autoscaling.amazonaws.com")
    for suffix in ("one", "two"):
        call(world, "CreateServiceLinkedRole", aws_service_name="autoscaling.amazonaws.com", custom_suffix=suffix)
    names = [role.role_name for role in call(world, "ListRoles").roles]
    base = "AWSServiceRoleForAutoScaling"
    assert names == [base, f"{base}_one", f"{base}_two"]


def test_a_deletion_is_a_task_that_has_succeeded():
    world = created()
    task = call(world, "DeleteServiceLinkedRole", role_name=ROLE).deletion_task_id
    assert task.startswith(f"task/aws-service-role/{LEX}/{ROLE}/")
    status = call(world, "GetServiceLinkedRoleDeletionStatus", deletion_task_id=task)
    assert (status.status, status.reason) == ("SUCCEEDED", None)
    with refused(NoSuchEntity, f"The role with name {ROLE} cannot be found."):
        call(world, "GetRole", role_name=ROLE)
    call(world, "CreateServiceLinkedRole", aws_service_name=LEX)


def test_tasks_are_forgotten_after_a_day():
    world = created()
    old = call(world, "DeleteServiceLinkedRole", role_name=ROLE).deletion_task_id
    world.now = NOW + timedelta(days=1)
    call(world, "CreateServiceLinkedRole", aws_service_name=LEX)
    new = call(world, "DeleteServiceLinkedRole", role_name=ROLE).deletion_task_id
    assert call(world, "GetServiceLinkedRoleDeletionStatus", deletion_task_id=new).status == "SUCCEEDED"
    with refused(NoSuchEntity, f"The deletion task with id {old} cannot be found.", "slr.task-missing"):
        call(world, "GetServiceLinkedRoleDeletionStatus", deletion_task_id=old)


@pytest.mark.parametrize("service", LINKED_SERVICES)
def test_every_service_has_a_role_that_can_be_made(service):
    world = created(service)
    (role,) = call(world, "ListRoles").roles
    assert len(role.role_name) <= 64
    (attached,) = call(world, "ListAttachedRolePolicies", role_name=role.role_name).attached_policies
    version = call(world, "GetPolicyVersion", policy_arn=attached.policy_arn, version_id="v1").policy_version
    assert "none:null" in version.document


def test_questions_name_the_role_and_the_service():
    world = created()
    made = request("CreateServiceLinkedRole", aws_service_name="autoscaling.amazonaws.com", custom_suffix="a")
    (ask,) = world.asks(ROWS["CreateServiceLinkedRole"], made)
    prefix = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role"
    assert ask.resource == f"{prefix}/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling_a"
    assert ask.context == {"iam:awsservicename": "autoscaling.amazonaws.com"}
    assert asked(world, "CreateServiceLinkedRole", aws_service_name="x.test")[0][1] == f"{prefix}/x.test/*"
    assert asked(world, "DeleteServiceLinkedRole", role_name=ROLE) == [("iam:DeleteServiceLinkedRole", ARN)]
    task = f"task/aws-service-role/{LEX}/{ROLE}/00000000-0000-4000-8000-000000000000"
    assert asked(world, "GetServiceLinkedRoleDeletionStatus", deletion_task_id=task) == [
        ("iam:GetServiceLinkedRoleDeletionStatus", ARN)
    ]
