"""A signer of our own for hostile requests: it signs whatever it is told, with nothing but `hashlib` and `hmac`.

What is signed and what is sent are given apart, so that each test can make a valid request first and then send
something else.
"""

import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from tabard.sigv4.canonical import SignedRequest

KEY_ID = "AKIAEXAMPLEEXAMPLE12"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = datetime(2026, 11, 24, 10, 15, 0, tzinfo=UTC)
STAMP = "20261124T101500Z"
BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = b"application/x-www-form-urlencoded; charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What the client signs. `headers` are those sent, but for Authorization; `signed` names those signed."""

    method: str = "POST"
    path: bytes = b"/"
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = (
        (b"host", b"sts.example.test"),
        (b"content-type", FORM),
        (b"x-amz-date", STAMP.encode()),
    )
    signed: str | None = None
    body: bytes = BODY
    payload: str | None = None
    key_id: str = KEY_ID
    secret: str = SECRET
    scope: str = "20261124/eu-central-1/sts/aws4_request"
    stamp: str = STAMP
    algorithm: str = "AWS4-HMAC-SHA256"
    canonical_path: bytes | None = None
    canonical_query: bytes | None = None
    canonical_headers: dict[bytes, bytes] = field(default_factory=dict)

    def but(self, **changes: object) -> "Draft":
        return replace(self, **changes)

    def plus(self, *headers: tuple[bytes, bytes]) -> "Draft":
        return replace(self, headers=self.headers + headers)

    @property
    def signed_headers(self) -> str:
        return self.signed if self.signed is not None else ";".join(sorted({n.decode() for n, _ in self.headers}))

    def signature(self) -> str:
        values = {**dict(self.headers), **self.canonical_headers}
        lines = b"".join(
            name.encode() + b":" + values.get(name.encode().lower(), b"") + b"\n"
            for name in self.signed_headers.split(";")
        )
        canonical = b"\n".join(
            (
                self.method.encode(),
                self.path if self.canonical_path is None else self.canonical_path,
                self.query if self.canonical_query is None else self.canonical_query,
                lines,
                self.signed_headers.encode(),
                (self.payload or sha256(self.body).hexdigest()).encode(),
            )
        )
        text = f"{self.algorithm}\n{self.stamp}\n{self.scope}\n{sha256(canonical).hexdigest()}"
        key = b"AWS4" + self.secret.encode()
        for part in self.scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()

    def authorization(self) -> bytes:
        return (
            f"{self.algorithm} Credential={self.key_id}/{self.scope}, SignedHeaders={self.signed_headers}, "
            f"Signature={self.signature()}"
        ).encode()

    def request(self) -> SignedRequest:
        """Signed in the header."""
        headers = (*self.headers, (b"authorization", self.authorization()))
        return SignedRequest(self.method, self.path, self.query, headers, self.body)


def presigned(*, parameters: bytes = b"Action=GetCallerIdentity&Version=2011-06-15", **changes: object) -> Draft:
    """A pre-signed GET as aws-iam-authenticator makes it; `signed_url` finishes it."""
    base = Draft(
        method="GET",
        headers=((b"host", b"sts.example.test"), (b"x-k8s-aws-id", b"cluster-1")),
        body=b"",
        query=parameters,
    )
    return base.but(**changes)


def authentication(draft: Draft, *, token: str | None = None, expires: str | None = "60") -> list[tuple[str, str]]:
    """The authentication parameters but the signature, with encoded values."""
    pairs = [
        ("X-Amz-Algorithm", draft.algorithm),
        ("X-Amz-Credential", f"{draft.key_id}/{draft.scope}".replace("/", "%2F")),
        ("X-Amz-Date", draft.stamp),
        ("X-Amz-SignedHeaders", draft.signed_headers.replace(";", "%3B")),
    ]
    if expires is not None:
        pairs.insert(3, ("X-Amz-Expires", expires))
    if token is not None:
        pairs.append(("X-Amz-Security-Token", token))
    return pairs


def signed_url(
    draft: Draft, *, pairs: list[tuple[str, str]] | None = None, signature_name: str = "X-Amz-Signature"
) -> SignedRequest:
    """The request whose query is `draft.query`, the pairs, and the signature over both."""
    pairs = authentication(draft) if pairs is None else pairs
    own = [tuple(part.split("=", 1)) for part in draft.query.decode().split("&")]
    query = "&".join(f"{name}={value}" for name, value in sorted([*own, *pairs]))
    signature = draft.but(canonical_query=query.encode()).signature()
    sent = f"{query}&{signature_name}={signature}".encode()
    return SignedRequest(draft.method, draft.path, sent, draft.headers, draft.body)
