"""Condition keys: which there are, which of them nothing here sets, and what a misspelt one was meant to be.

(IAM User Guide, "AWS global condition context keys", "Available keys for AWS OIDC federation", "Available keys for
SAML-based AWS STS federation"; Service Authorization Reference, "AWS Identity and Access Management", "AWS Security
Token Service".)
"""

from collections.abc import Mapping
from typing import Final

from tabard.names.tags import fold
from tabard.policy.lint.spelling import Speller, words

_KNOWN: Final = words(
    """
aws:AssumedRoot aws:CalledVia aws:CalledViaAWSMCP aws:CalledViaFirst aws:CalledViaLast aws:ChatbotSourceArn
aws:CurrentTime aws:Ec2InstanceSourcePrivateIPv4 aws:Ec2InstanceSourceVpc aws:EpochTime aws:FederatedProvider
aws:IsMcpServiceAction aws:MultiFactorAuthAge aws:MultiFactorAuthPresent aws:PrincipalAccount aws:PrincipalArn
aws:PrincipalIsAWSService aws:PrincipalOrgID aws:PrincipalOrgPaths aws:PrincipalServiceName
aws:PrincipalServiceNamesList aws:PrincipalTag/ aws:PrincipalType aws:Referer aws:RequestedRegion aws:RequestTag/
aws:ResourceAccount aws:ResourceOrgID aws:ResourceOrgPaths aws:ResourceTag/ aws:SecureTransport aws:SourceAccount
aws:SourceArn aws:SourceIdentity aws:SourceIp aws:SourceOrgID aws:SourceOrgPaths aws:SourceOwner aws:SourceVpc
aws:SourceVpcArn aws:SourceVpce aws:TagKeys aws:TokenIssueTime aws:UserAgent aws:userid aws:username
aws:ViaAWSMCPService aws:ViaAWSService aws:VpceAccount aws:VpceOrgID aws:VpceOrgPaths aws:VpcSourceIp
iam:AssociatedResourceArn iam:AWSServiceName iam:DelegationDuration iam:DelegationRequestOwner iam:FIDO-certification
iam:FIDO-FIPS-140-2-certification iam:FIDO-FIPS-140-3-certification iam:NotificationChannel
iam:OrganizationsPolicyId iam:PassedToService iam:PermissionsBoundary iam:PolicyARN iam:RegisterSecurityKey
iam:ResourceTag/ iam:ServiceSpecificCredentialAgeDays iam:ServiceSpecificCredentialServiceName iam:TemplateArn
sts:AWSServiceName sts:DurationSeconds sts:ExternalId sts:IdentityTokenAudience sts:RequestContext/
sts:RequestContextProviders sts:RoleSessionName sts:SigningAlgorithm sts:SourceIdentity sts:TaskPolicyArn
sts:TransitiveTagKeys
saml:aud saml:cn saml:commonName saml:doc saml:eduorghomepageuri saml:eduorgidentityauthnpolicyuri
saml:eduorglegalname saml:eduorgsuperioruri saml:eduorgwhitepagesuri saml:edupersonaffiliation
saml:edupersonassurance saml:edupersonentitlement saml:edupersonnickname saml:edupersonorgdn
saml:edupersonorgunitdn saml:edupersonprimaryaffiliation saml:edupersonprimaryorgunitdn
saml:edupersonprincipalname saml:edupersonscopedaffiliation saml:edupersontargetedid saml:givenName saml:iss
saml:mail saml:name saml:namequalifier saml:organizationStatus saml:primaryGroupSID saml:sub saml:sub_type
saml:surname saml:uid saml:x500UniqueIdentifier
"""
)

NOT_SET: Final = frozenset(
    words(
        """
aws:assumedroot aws:calledvia aws:calledviaawsmcp aws:calledviafirst aws:calledvialast aws:chatbotsourcearn
aws:ec2instancesourceprivateipv4 aws:ec2instancesourcevpc aws:ismcpserviceaction aws:sourcevpc aws:sourcevpcarn
aws:sourcevpce aws:viaawsmcpservice aws:vpceaccount aws:vpceorgid aws:vpceorgpaths aws:vpcsourceip
sts:durationseconds
"""
    )
)
"""Keys of AWS that no request to Tabard has: they speak of networks and services that are not here. Folded."""

KNOWN: Final[Mapping[str, str]] = {fold(key): key for key in _KNOWN}
"""Folded key → its usual spelling. One that ends in `/` is a family, with a tag's or context's key behind it."""

_OWNED: Final = frozenset({"aws", "iam", "sts", "saml"})
"""Prefixes of which all keys are known."""
_FAMILIES: Final = frozenset(key for key in KNOWN if key.endswith("/"))
_SPELLER: Final = Speller(KNOWN.values())
_LOCAL: Final[Mapping[str, str]] = {
    folded.partition(":")[2]: key for folded, key in KNOWN.items() if key.startswith(("aws:", "sts:"))
}
"""What stands behind the prefix → the key."""
_SCHEMES: Final = ("https://", "http://")


def is_known(key: str) -> bool:
    """Is there such a key? Keys of services and of identity providers are not looked up, and count as known."""
    folded = fold(key)
    prefix, colon, _ = folded.partition(":")
    if folded.startswith(_SCHEMES):
        return False
    if colon and prefix not in _OWNED:
        return _SPELLER.meant(folded) is None
    if folded in KNOWN:
        return folded not in _FAMILIES
    family, slash, name = folded.partition("/")
    return bool(slash and name) and f"{family}/" in _FAMILIES


def meant(key: str) -> str | None:
    """What a key that is not known was probably meant to be."""
    folded = fold(key)
    for scheme in _SCHEMES:
        if folded.startswith(scheme):
            return key[len(scheme) :]
    family, _, name = key.partition("/")
    if fold(family) + "/" in _FAMILIES:
        return f"{KNOWN[fold(family) + '/']}{name or 'team'}"
    found = _SPELLER.meant(folded) or _LOCAL.get(folded.rpartition(":")[2])
    if found is None and name:
        found = _SPELLER.meant(f"{family}/") or _LOCAL.get(f"{fold(family).rpartition(':')[2]}/")
    if found is None:
        return None
    return f"{found}{name or 'team'}" if found.endswith("/") else found


def spelling_of(folded: str) -> str:
    """A folded key as AWS spells it; what stands behind a `/` is as it was, and an unknown key is too."""
    family, slash, name = folded.partition("/")
    return KNOWN.get(family + slash, family + slash) + name


def is_never_set(key: str) -> bool:
    """Is it a key of AWS that no request to Tabard has?"""
    return fold(key) in NOT_SET
