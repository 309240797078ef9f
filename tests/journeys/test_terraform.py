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
"""
UNCHANGED = 0


@pytest.mark.timeout(240)
def test_terraform_applies_finds_no_drift_and_destroys(fresh_house: House, tmp_path: Path) -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed here")
    folder = tmp_path / "terraform"
    folder.mkdir()
    (folder / "main.tf").write_text(CONFIGURATION.replace("ENDPOINT", fresh_house.endpoint))
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
    assert "Resources: 10 added" in applied.stdout
    planned = run("plan", "-detailed-exitcode")
    assert planned.returncode == UNCHANGED, planned.stdout
    destroyed = run("destroy", "-auto-approve")
    assert destroyed.returncode == 0, destroyed.stderr
    assert not fresh_house.client("iam").list_roles(PathPrefix="/tf/")["Roles"]
    assert [user["UserName"] for user in fresh_house.client("iam").list_users()["Users"]] == ["admin"]
