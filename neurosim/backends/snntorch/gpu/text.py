"""Lines of a compiled loop, rewritten for a block of neurons in Triton.

The lines of :mod:`neurosim.program.straight_line` are Python on numbers. In a kernel of Triton every name is a block of
numbers, a choice takes both ways, and constants have the kernel's own precision.
"""

from __future__ import annotations

import ast

from neurosim.program.normalise import constant_value
from neurosim.program.straight_line import Uncovered

#: What Triton has itself.
_FUNCTIONS = {
    "abs": "tl.abs", "math.exp": "tl.exp", "math.log": "tl.log", "math.sin": "tl.sin", "math.cos": "tl.cos",
}  # fmt: skip
#: What :mod:`neurosim.backends.snntorch.gpu.functions` makes of it.
_OWN = {"math.expm1": "expm1", "math.log1p": "log1p", "math.tanh": "tanh", "math.sinh": "sinh", "math.cosh": "cosh"}
#: Beyond this whole power, products would be further from the power than anybody wants.
_LARGEST_POWER = 8


class TritonText:
    """Rewrites lines for one precision.

    Parameters
    ----------
    single
        Whether the kernel computes in float32, where Triton's own division and root are approximate and their exact
        forms have other names.
    """

    def __init__(self, *, single: bool) -> None:
        self.single = single

    def line(self, text: str) -> str:
        """Return an assignment of a loop as one of a kernel; elements of arrays are loaded and stored.

        Raises
        ------
        Uncovered
            If it does something that kernels do not know.
        """
        (statement,) = ast.parse(text).body
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], (ast.Name, ast.Subscript)):
            raise Uncovered(text)
        target, value = statement.targets[0], self.expression(statement.value)
        if isinstance(target, ast.Subscript):
            return f"tl.store({self._place(target)}, {value}, mask=inside)"
        return f"{target.id} = {value}"

    @staticmethod
    def _place(tree: ast.Subscript) -> str:
        """Return where the elements of an array lie: both are names."""
        if not isinstance(tree.value, ast.Name) or not isinstance(tree.slice, ast.Name):
            raise Uncovered(ast.unparse(tree))
        return f"{tree.value.id} + {tree.slice.id}"

    def expression(self, tree: ast.expr) -> str:
        """Return an expression of a loop as one of a kernel (see :meth:`line`)."""
        if isinstance(tree, ast.Name):
            return tree.id
        if isinstance(tree, ast.Subscript):
            return f"tl.load({self._place(tree)})"
        if isinstance(tree, ast.Constant) and isinstance(tree.value, bool):
            return f"tl.full((BLOCK,), {int(tree.value)}, tl.int1)"
        if isinstance(tree, ast.IfExp):
            parts = (self.expression(part) for part in (tree.test, tree.body, tree.orelse))
            return f"tl.where({', '.join(parts)})"
        if isinstance(tree, ast.Compare):
            operator = ast.unparse(ast.Compare(ast.Name("a"), tree.ops, [ast.Name("b")]))[1:-1]
            return f"({self.expression(tree.left)}{operator}{self.expression(tree.comparators[0])})"
        if isinstance(tree, ast.BoolOp):
            sign = " & " if isinstance(tree.op, ast.And) else " | "
            return f"({sign.join(self.expression(part) for part in tree.values)})"
        if isinstance(tree, ast.UnaryOp):
            return f"({'-' if isinstance(tree.op, ast.USub) else '~'}{self.expression(tree.operand)})"
        if isinstance(tree, ast.BinOp):
            return self._operation(tree)
        if isinstance(tree, ast.Call):
            return self._call(ast.unparse(tree.func), tree.args)
        raise Uncovered(ast.unparse(tree))

    def _operation(self, tree: ast.BinOp) -> str:
        left, right = self.expression(tree.left), self.expression(tree.right)
        if isinstance(tree.op, ast.Pow):
            return self._power(left, tree)
        if isinstance(tree.op, ast.Div):
            return f"tl.div_rn({left}, {right})" if self.single else f"({left} / {right})"
        signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}
        return f"({left} {signs[type(tree.op)]} {right})"

    def _power(self, base: str, tree: ast.BinOp) -> str:
        """Return a small whole power as products; Triton has no other that its interpreter knows."""
        power = constant_value(tree.right.args[0]) if isinstance(tree.right, ast.Call) else None
        if power is None or power != int(power) or not 1 <= abs(power) <= _LARGEST_POWER:
            raise Uncovered(f"{ast.unparse(tree)} in Triton, where powers are small whole numbers")
        product = "(" + " * ".join([base] * int(abs(power))) + ")"
        if power > 0:
            return product
        one = "tl.full((BLOCK,), 1.0, REAL)"
        return f"tl.div_rn({one}, {product})" if self.single else f"({one} / {product})"

    def _call(self, function: str, arguments: list[ast.expr]) -> str:
        if function == "real":
            value = constant_value(arguments[0])
            if value is None:
                raise Uncovered(ast.unparse(arguments[0]))
            return f"tl.full((BLOCK,), {value!r}, REAL)"
        found = [self.expression(argument) for argument in arguments]
        if function in ("min", "max"):
            return f"tl.{function}imum({', '.join(found)}, propagate_nan=tl.PropagateNan.ALL)"
        if function == "math.sqrt":
            return f"tl.sqrt{'_rn' if self.single else ''}({found[0]})"
        if function in _FUNCTIONS:
            return f"{_FUNCTIONS[function]}({found[0]})"
        if function in _OWN:
            return f"{_OWN[function]}({found[0]})"
        raise Uncovered(f"{function} in Triton")
