#!/usr/bin/env python3
"""Checks JSON lines on standard input against a JSON Schema.

    schema_check.py SCHEMA.json < records.ndjson

Knows the keywords that docs/device.schema.json uses and refuses a schema with
others, so that no rule is skipped silently. Exit 0: every line fits; 1: the
path of each fault was printed; 2: wrong usage or a schema it cannot use.
"""
import json
import re
import sys

NOTES = {"$schema", "$id", "$defs", "title", "description"}
RULES = {
    "type", "enum", "const", "properties", "required", "additionalProperties",
    "items", "maxItems", "minimum", "maxLength", "pattern", "anyOf", "$ref",
}
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


class SchemaFault(Exception):
    pass


def same(a, b):
    """Equality in which true is not 1."""
    return type(a) is type(b) and a == b


def resolve(root, ref):
    if not ref.startswith("#/"):
        raise SchemaFault(f'"{ref}" points outside of the schema')
    node = root
    for part in ref[2:].split("/"):
        node = node[part]
    return node


def inspect(root, schema, where="#"):
    """Every keyword must be known, every reference must lead somewhere."""
    if isinstance(schema, bool):
        return
    unknown = set(schema) - NOTES - RULES
    if unknown:
        raise SchemaFault(f"{where}: keywords not known here: {', '.join(sorted(unknown))}")
    for group in ("properties", "$defs"):
        for name, part in schema.get(group, {}).items():
            inspect(root, part, f"{where}/{group}/{name}")
    for name in set(schema.get("required", [])) - set(schema.get("properties", {})):
        raise SchemaFault(f'{where}: "{name}" is required but not described')
    if "items" in schema:
        inspect(root, schema["items"], f"{where}/items")
    for i, part in enumerate(schema.get("anyOf", [])):
        inspect(root, part, f"{where}/anyOf/{i}")
    if "$ref" in schema:
        resolve(root, schema["$ref"])


def scalar_faults(schema, value, path):
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(TYPES[t](value) for t in types):
            yield f"{path}: not of type {' or '.join(types)}"
            return
    if "enum" in schema and not any(same(value, e) for e in schema["enum"]):
        yield f"{path}: {json.dumps(value)} is not one of the words"
    if "const" in schema and not same(value, schema["const"]):
        yield f"{path}: is not {json.dumps(schema['const'])}"
    if "minimum" in schema and TYPES["integer"](value) and value < schema["minimum"]:
        yield f"{path}: {value} is below {schema['minimum']}"
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield f"{path}: longer than {schema['maxLength']} characters"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{path}: {json.dumps(value)} does not match {schema['pattern']}"


def object_faults(root, schema, value, path):
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path}.{name}: missing"
    for name, member in value.items():
        part = properties.get(name, schema.get("additionalProperties", True))
        if part is False:
            yield f"{path}.{name}: not in the schema"
        elif part is not True:
            yield from faults(root, part, member, f"{path}.{name}")


def faults(root, schema, value, path="$"):
    if "$ref" in schema:
        yield from faults(root, resolve(root, schema["$ref"]), value, path)
    if "anyOf" in schema and all(any(True for _ in faults(root, s, value, path)) for s in schema["anyOf"]):
        yield f"{path}: fits none of the choices"
    yield from scalar_faults(schema, value, path)
    if isinstance(value, dict):
        yield from object_faults(root, schema, value, path)
    if isinstance(value, list):
        if len(value) > schema.get("maxItems", len(value)):
            yield f"{path}: more than {schema['maxItems']} elements"
        for i, element in enumerate(value):
            if "items" in schema:
                yield from faults(root, schema["items"], element, f"{path}[{i}]")


def no_doubles(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member stands twice")
    return dict(pairs)


def main():
    if len(sys.argv) != 2:
        print("usage: schema_check.py SCHEMA.json < records.ndjson", file=sys.stderr)
        return 2
    try:
        with open(sys.argv[1], encoding="utf-8") as f:
            schema = json.load(f)
        inspect(schema, schema)
    except (OSError, ValueError, KeyError, SchemaFault) as e:
        print(f"schema not usable: {e}", file=sys.stderr)
        return 2
    bad = lines = 0
    for number, line in enumerate(sys.stdin.buffer, 1):
        lines += 1
        try:
            found = list(faults(schema, schema, json.loads(line.decode("utf-8"), object_pairs_hook=no_doubles)))
        except ValueError as e:
            found = [f"$: not JSON: {e}"]
        bad += bool(found)
        for fault in found:
            print(f"line {number}: {fault}")
    if lines == 0:
        print("line 1: nothing to check")
    return 1 if bad or lines == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
