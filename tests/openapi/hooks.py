"""What schemathesis would get wrong about HTTP."""

import schemathesis

OF_HTTP = {"accept", "authorization", "content-type"}


@schemathesis.hook
def filter_case(context, case):
    """Request headers that the description does not name are ignored, as HTTP has it: clients and proxies add their
    own. schemathesis expects them to be refused. (Unknown query names and members of bodies are refused.)"""
    named = OF_HTTP | {header.name.lower() for header in case.operation.headers}
    return all(name.lower() in named for name in case.headers or {})
