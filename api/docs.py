"""/docs: the OpenAPI document as one plain page. Nothing is loaded from anywhere, and it works without scripts."""

import hashlib
import json
from base64 import b64encode
from html import escape
from typing import Any

METHODS = ("get", "post", "put", "delete")
STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .5rem .8rem; }
summary { cursor: pointer; } summary code { font-weight: 600; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; background: color-mix(in srgb, currentColor 7%, transparent); padding: .7rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .2rem .6rem .2rem 0;
vertical-align: top; border-bottom: 1px solid var(--line); } .m { display: inline-block; min-width: 4.5rem; }
"""
_STYLE_HASH = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render_docs(openapi: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    schemas: dict[str, Any] = openapi["components"]["schemas"]
    by_tag: dict[str, list[str]] = {}
    for path, operations in openapi["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                tag = operation.get("tags", ["other"])[0]
                by_tag.setdefault(tag, []).append(_operation(path, method, operation, schemas))
    parts = [f'<h2 id="{escape(tag)}">{escape(tag.capitalize())}</h2>{"".join(each)}' for tag, each in by_tag.items()]
    links = " · ".join(f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in by_tag)
    about = "".join(f"<p>{escape(part)}</p>" for part in openapi["info"]["description"].split("\n\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Handrail API</title><style>{STYLE}</style></head><body><h1>Handrail API</h1>{about}"
        f'<p>{links} · <a href="/openapi.json">openapi.json</a></p>{"".join(parts)}</body></html>'
    )


def _operation(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    parts = [f"<p>{escape(operation.get('description', ''))}</p>", _parameters(operation)]
    body = operation.get("requestBody", {}).get("content", {})
    for media_type, content in body.items():
        parts.append(f"<h4>Body, <code>{escape(media_type)}</code></h4>{_example(content, schemas)}")
    for status, response in operation["responses"].items():
        parts.append(f"<h4>{escape(status)} {escape(response.get('description', ''))}</h4>")
        if int(status) < 400:
            parts += [_example(content, schemas) for content in response.get("content", {}).values()]
    parts.insert(1, f"<pre>{escape(_curl(path, method, body, schemas))}</pre>")
    head = f'<code><span class="m">{method.upper()}</span> {escape(path)}</code> {escape(operation["summary"])}'
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{escape(one['in'])}</td>"
        f"<td>{escape(one.get('description', ''))}</td></tr>"
        for one in operation.get("parameters", [])
    ]
    return f"<table><tr><th>Parameter</th><th>In</th><th></th></tr>{''.join(rows)}</table>" if rows else ""


def _curl(path: str, method: str, body: dict[str, Any], schemas: dict[str, Any]) -> str:
    lines = [f'curl -X {method.upper()} "$HANDRAIL_API_URL{path}"', '-H "Authorization: Bearer $HANDRAIL_TOKEN"']
    for media_type, content in list(body.items())[:1]:
        lines.append(f"-H 'Content-Type: {media_type}'")
        is_text = "yaml" in media_type
        lines.append("--data-binary @runbook.yaml" if is_text else f"-d '{_json(content, schemas, indent=None)}'")
    return " \\\n  ".join(lines)


def _example(content: dict[str, Any], schemas: dict[str, Any]) -> str:
    if isinstance(content.get("example"), str):
        return f"<pre>{escape(content['example'])}</pre>"
    return f"<pre>{escape(_json(content, schemas, indent=2))}</pre>"


def _json(content: dict[str, Any], schemas: dict[str, Any], indent: int | None) -> str:
    return json.dumps(content.get("example", sample(content.get("schema", {}), schemas)), indent=indent)


def sample(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """Return a value of a schema: its example, its default, or one made of its parts."""
    if "$ref" in schema:
        return sample(schemas.get(schema["$ref"].rsplit("/", 1)[-1], {}), schemas, depth + 1) if depth < 12 else {}
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema and schema["default"] not in (None, [], {}):
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return sample(schema[union][0], schemas, depth + 1)
    if schema.get("type") == "object" or "properties" in schema:
        return {name: sample(part, schemas, depth + 1) for name, part in schema.get("properties", {}).items()}
    if schema.get("type") == "array":
        return [sample(schema["items"], schemas, depth + 1)] if schema.get("items") and depth < 12 else []
    by_format = {"date-time": "2026-01-31T12:00:00Z"}
    plain: dict[str, Any] = {"integer": 1, "number": 0.9, "boolean": True, "string": "text"}
    return by_format.get(schema.get("format", "")) or schema.get("const") or plain.get(schema.get("type", ""))
