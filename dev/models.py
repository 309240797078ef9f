"""Make src/tabard/wire/models/*.json from the installed botocore: shapes and constraints, no prose.

A trait that this script does not know stops it, so that a new botocore cannot lose meaning on the way. What the
model does not say, or says wrongly, is in models/corrections.json, which is written by hand.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.loaders import Loader

MODELS = Path(__file__).parent.parent / "src" / "tabard" / "wire" / "models"
SERVICES = {"sts": "2011-06-15", "iam": "2010-05-08", "organizations": "2016-11-28"}

SHAPE_TRAITS = {
    *("type", "members", "required", "member", "key", "value", "min", "max", "pattern", "enum", "sensitive"),
    *("documentation", "exception", "error", "fault", "box", "union"),
}
MEMBER_TRAITS = {"shape", "documentation", "deprecated", "deprecatedMessage", "deprecatedSince"}
OPERATION_TRAITS = {"name", "http", "input", "output", "documentation", "errors", "auth", "authtype"}


def main() -> None:
    for service in SERVICES:
        (MODELS / f"{service}.json").write_text(render(service), encoding="utf-8")


def render(service: str) -> str:
    """The file's text: one line for each operation, error and shape, sorted by name."""
    model = Loader().load_service_model(service, "service-2", SERVICES[service])
    shapes = model["shapes"]
    metadata = model["metadata"]
    head = {"name": service, "version": metadata["apiVersion"]}
    if metadata["protocol"] == "json":
        require_json_11(metadata)
        shapes = with_json_errors(shapes)
        head["target"] = metadata["targetPrefix"]
    else:
        head["namespace"] = metadata["xmlNamespace"]
    sections = {
        "operations": {name: operation(value, shapes) for name, value in model["operations"].items()},
        "errors": dict(error(name, value) for name, value in shapes.items() if "error" in value),
        "shapes": {name: shape(name, value) for name, value in shapes.items() if not value.get("exception")},
    }
    lines = [f'"{key}":{compact(value)}' for key, value in head.items()]
    lines += [f'"{key}":{{\n{table(rows)}\n}}' for key, rows in sections.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def operation(value: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    require_known(value, OPERATION_TRAITS, value["name"])
    made: dict[str, Any] = {}
    if "input" in value:
        made["input"] = value["input"]["shape"]
    if "output" in value:
        made["output"] = value["output"]["shape"]
        if "resultWrapper" in value["output"]:
            made["result_wrapper"] = value["output"]["resultWrapper"]
    names = [each["shape"] for each in value.get("errors", ())]
    if codes := sorted(error(name, shapes[name])[0] for name in names if "error" in shapes[name]):
        made["errors"] = codes
    if value.get("authtype") == "none":
        made["signed"] = False
    return made


def error(name: str, value: Mapping[str, Any]) -> tuple[str, int]:
    return value["error"].get("code", name), value["error"]["httpStatusCode"]


def with_json_errors(shapes: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shapes with what the JSON protocol leaves unsaid: an exception's code is its name, its status 400 or 500."""
    return {
        name: value | {"error": {"httpStatusCode": 500 if value.get("fault") else 400}}
        if value.get("exception")
        else value
        for name, value in shapes.items()
    }


def require_json_11(metadata: Mapping[str, Any]) -> None:
    if metadata["jsonVersion"] != "1.1":
        raise SystemExit(f"{metadata['serviceId']}: JSON {metadata['jsonVersion']} is not known here")


def shape(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    require_known(value, SHAPE_TRAITS, name)
    made: dict[str, Any] = {"type": value["type"]}
    if "members" in value:
        made["members"] = {member: target(f"{name}.{member}", of) for member, of in value["members"].items()}
    for part in ("member", "key", "value"):
        if part in value:
            made[part] = target(f"{name}.{part}", value[part])
    made |= {trait: value[trait] for trait in ("min", "max") if trait in value}  # a minimum of 0 refuses -1
    return made | {trait: value[trait] for trait in ("required", "pattern", "enum", "sensitive") if value.get(trait)}


def target(name: str, value: Mapping[str, Any]) -> str:
    require_known(value, MEMBER_TRAITS, name)
    return str(value["shape"])


def require_known(value: Mapping[str, Any], known: set[str], name: str) -> None:
    if unknown := set(value) - known:
        raise SystemExit(f"{name}: unknown traits {sorted(unknown)}")


def table(rows: Mapping[str, Any]) -> str:
    return ",\n".join(f'"{name}":{compact(rows[name])}' for name in sorted(rows))


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main()
