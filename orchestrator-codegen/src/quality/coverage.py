"""Runs a script and notes which of its statements are executed."""

import ast
import json
import sys
import threading


def code_lines(code):
    """The lines of a code object, and of those in it, that have instructions."""
    lines = set()
    codes = [code]
    while codes:
        current = codes.pop()
        if hasattr(current, "co_lines"):
            lines.update(line for _, _, line in current.co_lines() if line)
        else:
            import dis

            lines.update(line for _, line in dis.findlinestarts(current) if line)
        codes.extend(part for part in current.co_consts if hasattr(part, "co_code"))
    return lines


def heads(tree):
    """For each statement, the line it begins on and the last line of what is its own: a body is not."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt) or isinstance(node, (ast.Global, ast.Nonlocal)):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        first, last = node.lineno, node.end_lineno
        for decorator in getattr(node, "decorator_list", []):
            first = min(first, decorator.lineno)
        body = getattr(node, "body", None) or getattr(node, "cases", None)
        if isinstance(body, list):
            inner = body[0].pattern if hasattr(body[0], "pattern") else body[0]
            last = max(first, inner.lineno - 1)
        yield first, last


def watch(path, seen):
    """Adds the lines of `path` that are executed to `seen`. Returns what ends it."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and monitoring.get_tool(monitoring.COVERAGE_ID) is None:
        tool = monitoring.COVERAGE_ID

        def on_line(code, line):
            if code.co_filename == path:
                seen.add(line)
            return monitoring.DISABLE

        monitoring.use_tool_id(tool, "coverage")
        monitoring.register_callback(tool, monitoring.events.LINE, on_line)
        monitoring.set_events(tool, monitoring.events.LINE)

        def end():
            monitoring.set_events(tool, 0)
            monitoring.free_tool_id(tool)

        return end

    def local(frame, event, argument):
        if event == "line":
            seen.add(frame.f_lineno)
        return local

    def trace(frame, event, argument):
        if frame.f_code.co_filename != path:
            return None
        seen.add(frame.f_lineno)
        return local

    threading.settrace(trace)
    sys.settrace(trace)

    def end():
        sys.settrace(None)
        threading.settrace(None)

    return end


def main():
    """Runs the script in place of this program."""
    out, path = sys.argv[1], sys.argv[2]
    with open(path, "rb") as file:
        source = file.read()
    tree = ast.parse(source, path)
    code = compile(source, path, "exec", dont_inherit=True)
    with_code = code_lines(code)
    statements = [head for head in heads(tree) if with_code.intersection(range(head[0], head[1] + 1))]
    module = type(sys)("__main__")
    module.__file__ = path
    module.__builtins__ = __builtins__
    sys.modules["__main__"] = module
    sys.argv = sys.argv[2:]
    seen = set()
    end = watch(path, seen)
    try:
        exec(code, module.__dict__)
    finally:
        end()
        executed = {first for first, last in statements if seen.intersection(range(first, last + 1))}
        report = {
            "version": 1,
            "statements": sorted({first for first, _ in statements}),
            "executed": sorted(executed),
        }
        with open(out, "w", encoding="utf-8") as file:
            json.dump(report, file)


main()
