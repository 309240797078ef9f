"""Terraform's AWS provider makes, finds unchanged, and destroys what it made.

It runs where `terraform` and the provider are installed. A folder that mirrors the provider may be named in
TABARD_TEST_TERRAFORM_PLUGINS; otherwise Terraform's own settings say where to find it.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.journeys.conftest import House
from tests.saml import metadata

CONFIGURATION = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}
provider "aws" {
  region                  = "us-east-1"
  skip_metadata_api_check = true
  endpoints {
    iam = "ENDPOINT"
    sts = "ENDPOINT"
  }
}
data "aws_caller_identity" "me" {}
locals {
  account = data.aws_caller_identity.me.account_id
}
resource "aws_iam_role" "reader" {
  name                 = "tf-reader"
  path                 = "/tf/"
  description          = "made by Terraform"
  max_session_duration = 7200
  tags                 = { team = "a b+c" }
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "arn:aws:iam::${local.account}:root" } }]
  })
}
resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.reader.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:ListRoles", Resource = "*" }] })
}
resource "aws_iam_policy" "managed" {
  name   = "tf-managed"
  tags   = { kind = "managed" }
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:ListUsers", Resource = "*" }] })
}
resource "aws_iam_role_policy_attachment" "managed" {
  role       = aws_iam_role.reader.name
  policy_arn = aws_iam_policy.managed.arn
}
resource "aws_iam_instance_profile" "profile" {
  name = "tf-profile"
  role = aws_iam_role.reader.name
}
resource "aws_iam_group" "group" {
  name = "tf-group"
}
resource "aws_iam_user" "user" {
  name          = "tf-user"
  force_destroy = true
  tags          = { team = "red" }
}
resource "aws_iam_access_key" "key" {
  user = aws_iam_user.user.name
}
resource "aws_iam_user_group_membership" "membership" {
  user   = aws_iam_user.user.name
  groups = [aws_iam_group.group.name]
}
resource "aws_iam_user_policy_attachment" "aws_managed" {
  user       = aws_iam_user.user.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
resource "aws_iam_user_policy" "own" {
  name   = "own"
  user   = aws_iam_user.user.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:GetUser", Resource = "*" }] })
}
resource "aws_iam_user_login_profile" "login" {
  user            = aws_iam_user.user.name
  password_length = 24
}
resource "aws_iam_group_policy" "group" {
  name   = "group"
  group  = aws_iam_group.group.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:ListGroups", Resource = "*" }] })
}
resource "aws_iam_group_policy_attachment" "group" {
  group      = aws_iam_group.group.name
  policy_arn = aws_iam_policy.managed.arn
}
resource "aws_iam_saml_provider" "people" {
  name                   = "tf-people"
  saml_metadata_document = file("metadata.xml")
  tags                   = { kind = "saml" }
}
resource "aws_iam_openid_connect_provider" "ci" {
  url             = "https://ci.example.test/issuer"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["cf23df2207d99a74fbe169e3eba035e633b65d94"]
}
resource "aws_iam_role" "ci" {
  name = "tf-ci"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = aws_iam_openid_connect_provider.ci.arn }
      Condition = { StringEquals = { "ci.example.test/issuer:aud" = "sts.amazonaws.com", "ci.example.test/issuer:sub" = "deploy" } }
    }]
  })
}
resource "aws_iam_service_linked_role" "search" {
  aws_service_name = "opensearchservice.amazonaws.com"
}
resource "aws_iam_virtual_mfa_device" "phone" {
  virtual_mfa_device_name = "tf-phone"
}
resource "aws_iam_account_alias" "alias" {
  account_alias = "tf-corp"
}
resource "aws_iam_account_password_policy" "strict" {
  minimum_password_length        = 16
  require_lowercase_characters   = true
  require_uppercase_characters   = true
  require_numbers                = true
  require_symbols                = true
  allow_users_to_change_password = true
}
"""
RESOURCES = CONFIGURATION.count("\nresource ")
UNCHANGED = 0


@pytest.mark.timeout(240)
def test_terraform_applies_finds_no_drift_and_destroys(fresh_house: House, tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed here")
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "main.tf").write_text(CONFIGURATION.replace("ENDPOINT", fresh_house.endpoint))
    (folder / "metadata.xml").write_text(metadata())
    env = {**os.environ, **fresh_house.environment(fresh_house.admin), "CHECKPOINT_DISABLE": "1"}
    del env["AWS_ENDPOINT_URL"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [terraform, *words, "-no-color", "-input=false"]
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)

    mirror = os.environ.get("TABARD_TEST_TERRAFORM_PLUGINS")
    begun = run("init", *([f"-plugin-dir={mirror}"] if mirror else []))
    if begun.returncode != 0:
        pytest.skip(f"Terraform's AWS provider cannot be had here: {begun.stderr.strip()[:200]}")

    applied = run("apply", "-auto-approve")
    assert applied.returncode == 0, applied.stderr
    assert f"Resources: {RESOURCES} added" in applied.stdout
    planned = run("plan", "-detailed-exitcode")
    assert planned.returncode == UNCHANGED, planned.stdout
    destroyed = run("destroy", "-auto-approve")
    assert destroyed.returncode == 0, destroyed.stderr
    assert not fresh_house.client("iam").list_roles(PathPrefix="/tf/")["Roles"]
    assert [user["UserName"] for user in fresh_house.client("iam").list_users()["Users"]] == ["admin"]
