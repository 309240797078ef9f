"""Makes `tests/vectors/sessions/tokens-v1.json`: session tokens of version 1, which must open for ever.

    python -m tests.vectors.make.session_tokens

It only ever adds cases: tokens that stand in the file are kept as they are, for they prove that today's code opens
what yesterday's sealed.
"""

import json
from pathlib import Path
from typing import Any

from tabard.sessions.seal import TokenKeys, seal_token
from tests.vectors.session_claims import claims_from

TARGET = Path(__file__).parents[1] / "sessions" / "tokens-v1.json"
ROLE = {
    "kind": "role", "account": "111122223333", "access_key_id": "ASIAEXAMPLEEXAMPLE12",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "issuer_id": "AROAEXAMPLEEXAMPLE123",
    "issued": "2026-11-24T10:15:00Z", "expires": "2026-11-24T11:15:00Z", "name": "session-1",
}  # fmt: skip
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": [f"arn:aws:s3:::bucket-{n}/*" for n in range(20)]}]})  # fmt: skip

CASES: list[dict[str, Any]] = [
    {"name": "plain-role", "why": "the least that a role session holds", "claims": ROLE},
    {"name": "tagged-role", "why": "tags, transitive keys, source identity, text beyond ASCII",
     "claims": {**ROLE, "tags": {"Department": "HR", "Ort": "Z\u00fcrich"}, "transitive_tag_keys": ["Department"], "source_identity": "alice"}},
    {"name": "deflated", "why": "a session policy is deflated", "claims": {**ROLE, "policy": POLICY, "policy_arns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]}},
    {"name": "padded", "why": "MinimumSessionTokenSize", "claims": ROLE, "minimum_size": 1001},
    {"name": "user-with-second-factor", "why": "GetSessionToken",
     "claims": {**ROLE, "kind": "user", "issuer_id": "AIDAEXAMPLEEXAMPLE123", "name": "", "issuing_key_id": "AKIAEXAMPLEEXAMPLE12", "mfa_at": "2026-11-24T10:14:59Z"}},
    {"name": "root", "why": "GetSessionToken by root", "claims": {**ROLE, "kind": "root", "issuer_id": "111122223333", "name": "", "issuing_key_id": "AKIAEXAMPLEEXAMPLE12"}},
    {"name": "federated-user", "why": "GetFederationToken", "claims": {**ROLE, "kind": "federated-user", "issuer_id": "AIDAEXAMPLEEXAMPLE123", "name": "Jean", "issuing_key_id": "AKIAEXAMPLEEXAMPLE12"}},
    {"name": "identity-provider", "why": "keys of the provider persist",
     "claims": {**ROLE, "federated_provider": "arn:aws:iam::111122223333:saml-provider/idp", "context": {"saml:sub": "alice", "saml:sub_type": "persistent"}}},
]  # fmt: skip


def made(case: dict[str, Any], number: int) -> dict[str, Any]:
    key_id, key, nonce = number + 1, bytes(range(number, number + 32)), bytes(range(100 + number, 112 + number))
    size = case.get("minimum_size", 0)
    token = seal_token(claims_from(case["claims"]), TokenKeys(key_id, {key_id: key}), nonce=nonce, minimum_size=size)
    return {**case, "source": "own", "key_id": key_id, "key": key.hex(), "nonce": nonce.hex(), "token": token}


def main() -> None:
    kept = json.loads(TARGET.read_text())["cases"] if TARGET.exists() else []
    known = {case["name"] for case in kept}
    new = [made(case, number) for number, case in enumerate(CASES) if case["name"] not in known]
    TARGET.write_text(json.dumps({"version": 1, "cases": [*kept, *new]}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
