"""Python source without docstrings and comments: half the size, with the same line numbers."""

from __future__ import annotations

import ast
import io
import tokenize

DOCSTRING = '"-"'
"""What a docstring becomes: not an empty text, for which a dataclass makes one of its signature at each start."""

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def lean_source(source: str) -> str:
    """Return *source* with docstrings of one character and no comments; line numbers, and so tracebacks, stay right."""
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    for node in _docstrings(source):
        assert node.end_lineno is not None
        lines[node.lineno - 1] = lines[node.lineno - 1][: node.col_offset] + f"{DOCSTRING}\n"
        lines[node.lineno : node.end_lineno] = ["\n"] * (node.end_lineno - node.lineno)
    return "".join(lines)


def _docstrings(source: str) -> list[ast.Expr]:
    found = []
    for node in ast.walk(ast.parse(source)):
        for child in ast.iter_child_nodes(node):
            is_text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if is_text and isinstance(node, DOCUMENTED) and isinstance(child, ast.Expr):
                found.append(child)
    return found
