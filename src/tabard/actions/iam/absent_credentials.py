"""Credentials of users that Tabard does not offer: SSH keys, signing certificates, service credentials.

A tool that deletes a user (Terraform's `force_destroy`) first lists all of them; there are none, but the user must
exist.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from tabard.actions.desk import Action, Desk
from tabard.actions.identities import ask_user, user_or_caller


@dataclass(frozen=True, slots=True, kw_only=True)
class UserExtrasRequest:
    """A page of credentials that Tabard does not offer: there are never any, but the user must exist."""

    user_name: str | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SSHPublicKeyMetadata:
    user_name: str
    ssh_public_key_id: str
    status: str
    upload_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSSHPublicKeysResponse:
    ssh_public_keys: tuple[SSHPublicKeyMetadata, ...] = ()
    is_truncated: bool = False
    marker: str | None = None


def list_ssh_public_keys(request: UserExtrasRequest, desk: Desk) -> ListSSHPublicKeysResponse:
    user_or_caller(desk, request.user_name)
    return ListSSHPublicKeysResponse()


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningCertificate:
    user_name: str
    certificate_id: str
    certificate_body: str
    status: str
    upload_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSigningCertificatesResponse:
    certificates: tuple[SigningCertificate, ...] = ()
    is_truncated: bool = False
    marker: str | None = None


def list_signing_certificates(request: UserExtrasRequest, desk: Desk) -> ListSigningCertificatesResponse:
    user_or_caller(desk, request.user_name)
    return ListSigningCertificatesResponse()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServiceSpecificCredentialsRequest:
    user_name: str | None = None
    service_name: str | None = None
    all_users: bool | None = None
    marker: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpecificCredentialMetadata:
    UNSUPPORTED: ClassVar[frozenset[str]] = frozenset({"ServiceUserName", "ServiceCredentialAlias", "ExpirationDate"})

    user_name: str
    status: str
    create_date: datetime
    service_specific_credential_id: str
    service_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListServiceSpecificCredentialsResponse:
    service_specific_credentials: tuple[ServiceSpecificCredentialMetadata, ...] = ()
    marker: str | None = None
    is_truncated: bool = False


def list_service_specific_credentials(
    request: ListServiceSpecificCredentialsRequest, desk: Desk
) -> ListServiceSpecificCredentialsResponse:
    if not request.all_users:
        user_or_caller(desk, request.user_name)
    return ListServiceSpecificCredentialsResponse()


ACTIONS: tuple[Action, ...] = (
    Action(
        name="ListSSHPublicKeys",
        request=UserExtrasRequest,
        response=ListSSHPublicKeysResponse,
        ask=ask_user("ListSSHPublicKeys"),
        handle=list_ssh_public_keys,
        writes=False,
    ),
    Action(
        name="ListSigningCertificates",
        request=UserExtrasRequest,
        response=ListSigningCertificatesResponse,
        ask=ask_user("ListSigningCertificates"),
        handle=list_signing_certificates,
        writes=False,
    ),
    Action(
        name="ListServiceSpecificCredentials",
        request=ListServiceSpecificCredentialsRequest,
        response=ListServiceSpecificCredentialsResponse,
        ask=ask_user("ListServiceSpecificCredentials"),
        handle=list_service_specific_credentials,
        writes=False,
    ),
)
