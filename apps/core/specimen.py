"""From a shape of the API's description to something one can look at: a specimen of it, and its fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEEP = 5
WORDS: Mapping[str, Any] = {
    "uuid": "00000000-0000-4000-8000-000000000000",
    "date-time": "2026-11-23T12:00:00Z",
    "date": "2026-11-23",
    "uri": "https://example.org/",
    "binary": "…",
}
Schemas = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One member of an object, or one parameter."""

    name: str
    kind: str
    note: str
    required: bool


def resolved(shape: Mapping[str, Any], schemas: Schemas) -> Mapping[str, Any]:
    """The shape itself, where this is a reference to one."""
    inner = shape.get("allOf") or [shape]
    reference = inner[0].get("$ref", "")
    return schemas[reference.rpartition("/")[2]] if reference else shape


def specimen(shape: Mapping[str, Any], schemas: Schemas, depth: int = 0) -> Any:
    """A value of this shape; inside of very deep ones nothing is made up any more."""
    shape = resolved(shape, schemas)
    if "example" in shape or "default" in shape:
        return shape.get("example", shape.get("default"))
    if shape.get("enum"):
        return shape["enum"][0]
    kind = shape.get("type")
    if kind == "object" and depth < DEEP:
        members = shape.get("properties", {})
        return {name: specimen(inner, schemas, depth + 1) for name, inner in members.items()}
    if kind == "array" and depth < DEEP:
        return [specimen(shape.get("items", {}), schemas, depth + 1)]
    plain: Mapping[Any, Any] = {"string": WORDS.get(shape.get("format", ""), "text"), "boolean": True, "object": {}}
    return plain.get(kind, [] if kind == "array" else shape.get("minimum", 0))


def fields_of(shape: Mapping[str, Any], schemas: Schemas) -> list[Field]:
    """The members of an object."""
    shape = resolved(shape, schemas)
    needed = shape.get("required", ())
    return [
        Field(name, kind_of(inner, schemas), resolved(inner, schemas).get("description", ""), name in needed)
        if "$ref" in inner
        else Field(name, kind_of(inner, schemas), inner.get("description", ""), name in needed)
        for name, inner in shape.get("properties", {}).items()
    ]


def kind_of(shape: Mapping[str, Any], schemas: Schemas) -> str:
    """What kind of value it is, in a word or two."""
    shape = resolved(shape, schemas)
    if shape.get("enum"):
        return " | ".join(str(one) for one in shape["enum"] if one is not None)
    kind = str(shape.get("type", "anything"))
    if kind == "array":
        return f"list of {kind_of(shape.get('items', {}), schemas)}"
    return {"uuid": "UUID", "date-time": "time", "date": "day", "binary": "file"}.get(shape.get("format", ""), kind)
