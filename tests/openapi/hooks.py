"""What schemathesis would get wrong about HTTP, and what a description cannot say."""

from datetime import datetime, timedelta, timezone
from urllib.parse import unquote_to_bytes

import schemathesis
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode

USED_KEYS = set()
OF_HTTP = {"accept", "authorization", "content-type"}

# Moments must lie ahead, and no description knows what time it is.
schemathesis.openapi.format(
    "date-time",
    st.integers(3_600, 360 * 86_400).map(
        lambda s: (datetime.now(timezone.utc) + timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ),
)
# Their bounds stand in the description in words only: a pattern of them would be unreadable.
schemathesis.openapi.format("bellwether-duration", st.integers(1, 500).map(lambda n: f"{n}h"))


@schemathesis.hook
def filter_case(context, case):
    """Request headers that the description does not name are ignored, as HTTP has it: clients and proxies add their
    own. schemathesis expects them to be refused. (Unknown query names and members of bodies are refused.)"""
    named = OF_HTTP | {header.name.lower() for header in case.operation.headers}
    return all(name.lower() in named for name in case.headers or {})


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps to the rules that stand in the description in words. In what is to be taken: one moment of each pair, none
    that has passed (those of answers are sent again), an end after its beginning, a reason that is text once it is
    decoded, a new key for a new write. In what is to be refused: a dry run may go without If-Match."""
    headers, query = case.headers or {}, case.query or {}
    key = "Idempotency-Key"
    if "If-Match" not in headers:
        query.pop("dry_run", None)
    if case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE:
        body = case.body if isinstance(case.body, dict) else {}
        for fields in (query, body):
            for name in ("activate", "expires"):
                if f"{name}_in" in fields or not is_ahead(fields.get(f"{name}_at")):
                    fields.pop(f"{name}_at", None)
        if "expires_at" in body or "expires_in" in body:
            body.pop("activate_at", None)
            body.pop("activate_in", None)
        if not is_text(headers.get("Bellwether-Reason", "")):
            del headers["Bellwether-Reason"]
        if key in headers and headers[key].strip('"') in USED_KEYS:
            headers[key] = f"key-{len(USED_KEYS)}"
    # With and without quotes it is one key.
    USED_KEYS.add(headers.get(key, "").strip('"'))


def is_ahead(moment):
    return moment is None or datetime.fromisoformat(moment) > datetime.now(timezone.utc) + timedelta(minutes=1)


def is_text(encoded):
    try:
        return unquote_to_bytes(encoded).decode().isprintable()
    except UnicodeDecodeError:
        return False
