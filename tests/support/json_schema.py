"""A checker for the part of JSON Schema 2020-12 that `ft schema` uses; it knows no other words."""

from __future__ import annotations

from typing import Any

KINDS = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "null": type(None),
    "boolean": bool,
}
KNOWN = frozenset(
    (
        "$schema",
        "$id",
        "$defs",
        "$ref",
        "title",
        "description",
        "format",
        "type",
        "const",
        "required",
        "properties",
        "items",
        "additionalProperties",
    )
)


def problems(
    value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$"
) -> list[str]:
    """Return what is wrong with a value, by the place in it."""
    root = root or schema
    unknown = set(schema) - KNOWN
    assert not unknown, f"the checker does not know {unknown}"
    if "$ref" in schema:
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return problems(value, target, root, at)
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value!r} is not {schema['const']!r}"]
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(
        isinstance(value, KINDS[kind]) and not (kind == "integer" and isinstance(value, bool))
        for kind in kinds
    ):
        return [f"{at}: {value!r} is no {' or '.join(kinds)}"]
    found = [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    if isinstance(value, list) and "items" in schema:
        for index, each in enumerate(value):
            found += problems(each, schema["items"], root, f"{at}[{index}]")
    if isinstance(value, dict):
        others = schema.get("additionalProperties")
        for name, each in value.items():
            inner = schema.get("properties", {}).get(name, others)
            if isinstance(inner, dict):
                found += problems(each, inner, root, f"{at}.{name}")
    return found
