"""What a signed request claims, read and checked for form; whether it is true is for `signature.py`.

Where a request could be understood in two ways it is refused, never resolved: a signature both in the header and in
the query, a header that must be single sent twice, a list of signed headers that is not sorted. `Host` and every
`X-Amz-*` header must be signed, or somebody could add them on the way.

The order of checks on AWS STS: presence and form · date · credential scope · (key, token) · signature.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec

from tabard.sigv4.canonical import TERMINATOR, SignedRequest
from tabard.sigv4.faults import (
    IncompleteSignature,
    InvalidClientTokenId,
    MissingAuthenticationToken,
    SignatureDoesNotMatch,
)
from tabard.sigv4.fields import Fields
from tabard.sigv4.header import read_authorization
from tabard.sigv4.presigned import authentication_parameters, read_query

WINDOW: Final = timedelta(minutes=15)
"""How far a request's date may be from ours, either way."""
MAXIMUM_SIGNED: Final = 100
"""Headers that may be signed; more could not be sent."""

_SINGLE: Final = frozenset(
    {
        b"authorization",
        b"content-type",
        b"date",
        b"host",
        b"x-amz-content-sha256",
        b"x-amz-date",
        b"x-amz-security-token",
    }
)
_NONE: Final[frozenset[bytes]] = frozenset()
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+", re.ASCII)
_KEY_ID: Final = re.compile(r"\w{1,128}", re.ASCII)
_REGION: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)
_SIGNATURE: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BASIC: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z", re.ASCII)
_HTTP_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"(?:GMT|[+-]0000)",
    re.ASCII,
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Who is said to have signed, when, for what, and over which headers.

    `date`, `region`, `service` and `terminator` are the credential scope. `signed_headers` are lower-case,
    sorted, and all present in the request. `stamp` is the timestamp as SigV4 writes it.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: tuple[bytes, ...]
    signature: str
    timestamp: datetime
    stamp: str
    session_token: str | None
    presigned: bool

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{self.terminator}"

    def __repr__(self) -> str:
        return f"Claim({self.access_key_id}/{self.scope})"  # the token is a secret


def read_claim(request: SignedRequest) -> Claim:
    """What the request claims.

    Raises:
        MissingAuthenticationToken: it is not signed.
        IncompleteSignature: it is signed in a way that cannot be read, or can be read in two ways.
        SignatureDoesNotMatch: the signature covers too little.
        InvalidClientTokenId: the access key id is no such id.
    """
    headers, repeated = _by_name(request.headers)
    fields = _fields(headers, request.raw_query)
    for name in repeated & _SINGLE if repeated else ():
        raise IncompleteSignature(
            f"'{name.decode()}' must not be sent more than once.", reason=f"sigv4.repeated.{name.decode()}"
        )
    timestamp, stamp = _dated(fields.date)
    signed = _signed_headers(fields.signed_headers, headers)
    key_id, date, region, service, terminator = _credential(fields.credential)
    if not _SIGNATURE.fullmatch(fields.signature):
        raise SignatureDoesNotMatch(reason="sigv4.signature.form")
    return Claim(
        access_key_id=key_id,
        date=date,
        region=region,
        service=service,
        terminator=terminator,
        signed_headers=signed,
        signature=fields.signature,
        timestamp=timestamp,
        stamp=stamp,
        session_token=fields.session_token,
        presigned=fields.presigned,
    )


def check_scope(claim: Claim, *, service: str, regions: Collection[str] | None, now: datetime) -> None:
    """Is the claim for this service, one of these regions (None: any), and this time?

    Raises:
        SignatureDoesNotMatch: no; all that is wrong with the scope is told at once.
    """
    _check_window(claim, now)
    if (
        claim.service == service
        and claim.terminator == TERMINATOR
        and claim.date == claim.stamp[:8]
        and _REGION.fullmatch(claim.region)
        and (regions is None or claim.region in regions)
    ):
        return
    wrong: dict[str, str] = {}
    if not _REGION.fullmatch(claim.region) or (regions is not None and claim.region not in regions):
        wrong["region"] = "Credential should be scoped to a valid region. "
    if claim.service != service:
        wrong["service"] = f"Credential should be scoped to correct service: '{service}'. "
    if claim.terminator != TERMINATOR:
        wrong["terminator"] = (
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{claim.terminator}'. "
        )
    if claim.date != claim.stamp[:8]:
        wrong["date"] = (
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{claim.date}' != '{claim.stamp[:8]}', from '{claim.stamp}'."
        )
    if wrong:
        raise SignatureDoesNotMatch(
            "".join(wrong.values()), reason=f"sigv4.scope.{next(iter(wrong))}", detail={"wrong": tuple(wrong)}
        )


def parse_timestamp(text: str) -> datetime:
    """`20261124T101500Z`, or an HTTP date (RFC 9110 §5.6.7) as the `Date` header has it.

    Raises:
        IncompleteSignature: neither.
    """
    try:
        if basic := _BASIC.fullmatch(text):
            year, month, day, hour, minute, second = map(int, basic.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        if http := _HTTP_DATE.fullmatch(text):
            dd, name, yyyy, hh, mm, ss = http.groups()
            return datetime(int(yyyy), _MONTHS.index(name) + 1, int(dd), int(hh), int(mm), int(ss), tzinfo=UTC)
    except ValueError as error:
        raise _date_format(text) from error
    raise _date_format(text)


def render_timestamp(instant: datetime) -> str:
    """ISO 8601's basic format, as SigV4 writes it; `strftime` would drop the leading zeros of early years."""
    return (
        f"{instant.year:04}{instant.month:02}{instant.day:02}T{instant.hour:02}{instant.minute:02}{instant.second:02}Z"
    )


def _by_name(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[dict[bytes, bytes], frozenset[bytes]]:
    """Each header's first value, and the names of those sent more than once."""
    found = dict(headers)
    if len(found) == len(headers):
        return found, _NONE
    found = dict(reversed(headers))
    names = [name for name, _ in headers]
    return found, frozenset(name for name in found if names.count(name) > 1)


def _fields(headers: dict[bytes, bytes], raw_query: bytes) -> Fields:
    parameters = authentication_parameters(raw_query)
    if b"authorization" in headers:
        if parameters:
            raise IncompleteSignature(
                f"Found both '{next(iter(parameters))}' as a query-string param and 'Authorization' as HTTP header.",
                reason="sigv4.ambiguous.header-and-query",
            )
        return read_authorization(headers)
    if not parameters:
        raise MissingAuthenticationToken
    if b"x-amz-security-token" in headers:
        raise IncompleteSignature(
            "The security token of a pre-signed request belongs into its query-string parameters.",
            reason="sigv4.ambiguous.token",
        )
    return read_query(parameters)


def _signed_headers(text: str, headers: dict[bytes, bytes]) -> tuple[bytes, ...]:
    signed, names = _listed(text)
    if not names <= headers.keys():
        raise SignatureDoesNotMatch(reason="sigv4.signed-headers.absent")
    for name in headers.keys() - names:
        if name.startswith(b"x-amz-") or name == b"content-md5":
            raise SignatureDoesNotMatch(
                f"'{name.decode('latin-1')}' must be a 'SignedHeader' in the AWS Authorization.",
                reason="sigv4.signed-headers.unsigned",
            )
    return signed


@lru_cache(maxsize=128)
def _listed(text: str) -> tuple[tuple[bytes, ...], frozenset[bytes]]:
    """The names of the list, in order and as a set; remembered, because a client sends one list all the time."""
    names = text.split(";", MAXIMUM_SIGNED)
    if not all(map(_HEADER_NAME.fullmatch, names)):
        raise SignatureDoesNotMatch(reason="sigv4.signed-headers.form")
    signed = tuple(name.encode() for name in names)
    # The list is itself signed, so only its owner can send another order; but one list, one meaning.
    if any(one >= other for one, other in pairwise(signed)):
        raise SignatureDoesNotMatch(reason="sigv4.signed-headers.order")
    if b"host" not in signed:
        raise SignatureDoesNotMatch(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
            reason="sigv4.signed-headers.host",
        )
    if b"authorization" in signed:
        raise SignatureDoesNotMatch(reason="sigv4.signed-headers.authorization")
    return signed, frozenset(signed)


@lru_cache(maxsize=128)
def _dated(text: str) -> tuple[datetime, str]:
    """The date read, and as SigV4 writes it; remembered, because many requests are made in one second."""
    timestamp = parse_timestamp(text)
    return timestamp, render_timestamp(timestamp)


@lru_cache(maxsize=512)
def _credential(text: str) -> tuple[str, str, str, str, str]:
    """The parts of the credential; remembered, because a client sends one for a whole day."""
    parts = text.split("/")
    if len(parts) != 5:
        raise IncompleteSignature(
            "Credential must have exactly 5 slash-delimited elements, "
            f"e.g. keyid/date/region/service/term, got '{text}'",
            reason="sigv4.credential.parts",
        )
    key_id, date, region, service, terminator = parts
    if not _KEY_ID.fullmatch(key_id):
        raise InvalidClientTokenId(reason="sigv4.credential.key-id")
    return key_id, date, region, service, terminator


def _check_window(claim: Claim, now: datetime) -> None:
    if abs(now - claim.timestamp) < WINDOW:
        return
    now = now.replace(microsecond=0)
    earliest, latest = now - WINDOW, now + WINDOW
    if claim.timestamp < earliest:
        raise SignatureDoesNotMatch(
            f"Signature expired: {claim.stamp} is now earlier than {render_timestamp(earliest)} "
            f"({render_timestamp(now)} - 15 min.)",
            reason="sigv4.date.expired",
        )
    if claim.timestamp > latest:
        raise SignatureDoesNotMatch(
            f"Signature not yet current: {claim.stamp} is still later than {render_timestamp(latest)} "
            f"({render_timestamp(now)} + 15 min.)",
            reason="sigv4.date.future",
        )


def _date_format(text: str) -> IncompleteSignature:
    shown = text[:64] if text.isascii() and text.isprintable() else ""
    return IncompleteSignature(
        f"Date must be in ISO-8601 'basic format'. Got '{shown}'. See http://en.wikipedia.org/wiki/ISO_8601",
        reason="sigv4.date.format",
    )
