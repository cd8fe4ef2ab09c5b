"""Examples for the description of the API: for every field one that fits its schema, the same every time.

A field of a known name is shown with something that people would write there; any other with what its type
makes of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

Schema = Mapping[str, Any]

REFERENCE: Final = "#/components/schemas/"

SOME_ID: Final = "0198a9c2-5d1e-7c40-9f3a-6b1f0c2d4e5f"

BY_FIELD: Final[Mapping[str, object]] = MappingProxyType(
    {
        "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
        "action": "practice.approved",
        "after": {"status": "approved"},
        "after_image_url": "https://portal.blob.core.windows.net/best-practices/joint.jpg?sig=...",
        "answer_text": "Yes: the same nozzle fits both lines.",
        "answered_by_name": "Asha Rao",
        "area_implemented": "Brazing, line 2",
        "asked_by_name": "Asha Rao",
        "before": {"status": "submitted"},
        "before_image_url": "https://portal.blob.core.windows.net/best-practices/joint.jpg?sig=...",
        "benefits": ["One joint in four hundred leaks"],
        "blob_container": "best-practices",
        "blob_name": f"practices/{SOME_ID}/before_1755239400000.jpg",
        "blob_url": "https://portal.blob.core.windows.net/best-practices/joint.jpg?sig=...",
        "bp_title": "Less scrap in brazing",
        "by_name": "Asha Rao",
        "category_name": "Quality",
        "category_slug": "quality",
        "color_class": "blue",
        "comment": "Please say how it was measured.",
        "container": "best-practices",
        "content_type": "image/jpeg",
        "current_month": "12.34",
        "current_password": "an old pass phrase",
        "customized_description": "Joints leaked after soldering.",
        "customized_problem_statement": "One joint in sixty leaked.",
        "customized_solution": "Nitrogen is fed while the joint cools, more slowly.",
        "customized_title": "Less scrap in soldering",
        "description": "Joints leaked after brazing.",
        "division": "Air Conditioning",
        "document_name": "Work instruction 7",
        "email": "asha.rao@amber.example",
        "entity": "practice",
        "expires_in": 1800,
        "field": "title",
        "file_size": 204800,
        "filename": "joint.jpg",
        "full_name": "Asha Rao",
        "highlight": "Nitrogen in <mark>brazing</mark>",
        "icon_name": "bolt",
        "implementation": "Two lines, in a week.",
        "investment": "0.4 lakhs",
        "invite_token": "kQ3v8b0mT1xW5dYz",
        "is_deleted": False,
        "last_month": "10.40",
        "latency_ms": 1.4,
        "message": "It is kept.",
        "metrics": "Leaks per thousand joints",
        "month": "2026-08",
        "monthly_savings": "12.34",
        "name": "Supa",
        "new_password": "a new pass phrase",
        "origin_plant_name": "Supa",
        "password": "a long pass phrase",
        "percent_change": 18.65,
        "plant_name": "Supa",
        "plant_short_name": "Supa",
        "practice_category": "Quality",
        "practice_title": "Less scrap in brazing",
        "problem_statement": "One joint in forty leaked.",
        "question_text": "Does it fit the older nozzles, too?",
        "reason": None,
        "refresh_token": "eyJhbGciOiJIUzI1NiJ9.eyJ0eXAiOiJyZWZyZXNoIn0.c2lnbmF0dXJl",
        "request_id": "b1946ac92492d2347c62",
        "savings": "12.34",
        "savings_amount": 12.5,
        "short_name": "Supa",
        "slug": "quality",
        "solution": "Nitrogen is fed while the joint cools.",
        "submitted_by_name": "Asha Rao",
        "thumbnail_url": "https://portal.blob.core.windows.net/best-practices/joint.jpg?sig=...",
        "title": "Less scrap in brazing",
        "token": "kQ3v8b0mT1xW5dYz",
        "total_savings": "12.34",
        "upload_url": "https://portal.blob.core.windows.net/best-practices/joint.jpg?sig=...",
        "uptime_s": 86400.0,
        "user_agent": "Mozilla/5.0",
        "user_name": "Asha Rao",
        "version": 3,
        "year": 2026,
        "ytd_savings": "98.76",
        "ytd_till_last_month": "86.42",
        "ytd_total": "98.76",
    }
)

BY_FORMAT: Final[Mapping[str, object]] = MappingProxyType(
    {
        "uuid": SOME_ID,
        "date": "2026-08-14",
        "date-time": "2026-08-14T06:30:00Z",
        "binary": "(the bytes of the file)",
    }
)

BY_TYPE: Final[Mapping[str, object]] = MappingProxyType(
    {"boolean": True, "integer": 1, "null": None, "number": 1.0, "string": "text"}
)


def example_of(schema: Schema, components: Mapping[str, Schema], field: str = "") -> Any:
    """Make up a value that fits a schema, for a field of this name."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].removeprefix(REFERENCE)], components, field)
    if "const" in schema:
        return schema["const"]
    if "allOf" in schema:
        return {
            name: value for part in schema["allOf"] for name, value in example_of(part, components).items()
        }
    for several in ("examples", "enum"):
        if several in schema:
            return schema[several][0]
    if field in BY_FIELD and _is_of_type(BY_FIELD[field], schema):
        return BY_FIELD[field]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], components, field)
    return _by_type(schema, components)


def _by_type(schema: Schema, components: Mapping[str, Schema]) -> Any:
    kind = schema.get("type", "object")
    if kind == "object":
        fields: Mapping[str, Schema] = schema.get("properties", {})
        return {name: example_of(one, components, name) for name, one in fields.items()}
    if kind == "array":
        return [example_of(schema["items"], components)]
    if "format" in schema:
        return BY_FORMAT[schema["format"]]
    return max(BY_TYPE[kind], schema["minimum"]) if "minimum" in schema else BY_TYPE[kind]


def _is_of_type(value: object, schema: Schema) -> bool:
    """Tell whether a schema takes values of this kind, and is not more particular about them."""
    kinds = {one.get("type") for one in schema.get("anyOf", [schema]) if "format" not in one}
    names = {
        str: {"string"},
        int: {"integer", "number"},
        float: {"number"},
        list: {"array"},
        dict: {"object"},
    }
    return bool(kinds & names.get(type(value), {"null"}))
