"""Every English rule in the source, as a template: read from the syntax trees, nothing is imported.

A rule is the third argument of a `Problem`, or what a ``ValueError`` says, since a problem takes its rule from there.
Where it stands in a variable, a constant, a table, or is handed on through helpers, it is followed to the texts that it
is made of. A template has `SLOT` where a value stands, and `RULE` where another rule does.
"""

import ast
import re
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "crksim"
SLOT, RULE = "\0", "\1"

#: More alternatives than that are no phrases but values.
MOST = 60
#: What gives a text in the language of the reader already.
BILINGUAL = {"say", "rule", "getattr", "_say"}
#: Rules that cannot be followed, and what becomes of them.
FOLLOWED_ELSEWHERE = {
    ("model/reading.py", "wrong"): "what a check of model/ranges.py says",
    ("model/ledger.py", "fault"): "what Prior.fault says",
    ("interface/composing.py", "reason"): "what Hydra says",
    ("interface/commands.py", "self.format_usage().strip()"): "what argparse says",
    ("interface/ensembles.py", "str(error)"): "what json says",
    ("analysis/pool.py", "'\\n'.join(failures)"): "failures of units",
    ("interface/sweeping.py", "'\\n'.join(failed)"): "failures of points",
}
#: Functions that say what is wrong with a number.
SAYING = {"model/ranges.py": ("share", "count", "at_least_zero", "above_zero"), "model/priors.py": ("fault",)}
#: ValueErrors that are caught by what raised them and never told.
UNTOLD = ("analysis/keeping.py", "output/reproduced.py")
#: What makes rules of rules.
TELLING = "interface/danish/"


class UnfollowedError(Exception):
    """A rule is made in a way that is not understood here."""


@dataclass(frozen=True)
class Found:
    """A template and where it is made."""

    template: str
    where: str


class Module:
    def __init__(self, path):
        self.name = path.relative_to(SOURCE).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"))
        self.nodes = list(ast.walk(self.tree))
        self.parents = {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}
        self.functions = {}
        self.constants = {}
        self.inside = {}
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                self.functions.setdefault(node.name, []).append(node)
        for node in self.tree.body:
            for name, value in bindings(node):
                self.constants[name] = value
        self.imports = {
            alias.asname or alias.name: (node.module, alias.name)
            for node in self.nodes
            if isinstance(node, ast.ImportFrom) and node.module.startswith("crksim")
            for alias in node.names
        }

    def around(self, node):
        """Functions around a node, from the inside."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef):
                yield node

    def private(self, function):
        """Whether a function can be called in its own module only."""
        holder = self.parents.get(function)
        inner = isinstance(holder, ast.FunctionDef) or (isinstance(holder, ast.ClassDef) and holder.name[0] == "_")
        return inner or function.name.startswith("_")

    def own(self, function):
        """Nodes of a function that are not those of a function inside it."""
        if function not in self.inside:
            nodes = [node for node in ast.walk(function) if next(self.around(node), None) is function]
            self.inside[function] = nodes
        return self.inside[function]

    def handler(self, node, name):
        """Whether a name is that of an exception caught around a node."""
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.ExceptHandler) and node.name == name:
                return True
        return False


def bindings(statement):
    """Names that a statement gives a value, with the value."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Name):
                yield target.id, statement.value
            elif isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                for one, value in zip(target.elts, statement.value.elts, strict=True):
                    if isinstance(one, ast.Name):
                        yield one.id, value
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        yield statement.target.id, statement.value


@cache
def modules():
    return {module.name: module for module in map(Module, sorted(SOURCE.rglob("*.py")))}


def called(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


@cache
def calls():
    """Name -> calls of what has it, with their modules."""
    found = {}
    for module in modules().values():
        for node in module.nodes:
            if isinstance(node, ast.Call):
                found.setdefault(called(node), []).append((module, node))
    return found


def joined(parts):
    """Every way to put alternatives one after the other."""
    whole = {"".join(way) for way in product(*parts)}
    if len(whole) > 4 * MOST:
        raise UnfollowedError("too many ways")
    return whole


class Follower:
    """Follows an expression to the texts that it is made of."""

    def __init__(self):
        self.busy = set()
        #: Template -> where it was handed on to what tells it.
        self.origins = {}

    def rules(self, module, node):
        """Return the templates of an expression that is a rule."""
        if node in self.busy:
            return set()
        self.busy.add(node)
        try:
            return self._rules(module, node)
        finally:
            self.busy.discard(node)

    def _rules(self, module, node):
        if isinstance(node, ast.Constant):
            return {node.value} if isinstance(node.value, str) else set()
        if isinstance(node, ast.JoinedStr):
            return joined([self.part(module, value) for value in node.values])
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return joined([self.phrase(module, side) for side in (node.left, node.right)])
        if isinstance(node, ast.IfExp):
            return self.rules(module, node.body) | self.rules(module, node.orelse)
        if isinstance(node, ast.BoolOp):
            return set().union(*(self.rules(module, value) for value in node.values))
        if isinstance(node, ast.Attribute) and node.attr == "rule":
            return set()
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            table = module.constants.get(node.value.id)
            if isinstance(table, ast.Dict):
                return set().union(*(self.rules(module, value) for value in table.values))
        if isinstance(node, ast.Name):
            return self.named(module, node)
        if isinstance(node, ast.Call):
            return self.call(module, node)
        raise UnfollowedError(ast.unparse(node))

    def part(self, module, node):
        """Return the alternatives of a piece of an f-string."""
        if isinstance(node, ast.Constant):
            return {node.value}
        if isinstance(node.value, ast.Name) and module.handler(node, node.value.id):
            return {RULE}
        return {SLOT} if node.format_spec else self.phrase(module, node.value)

    def phrase(self, module, node):
        """Return the texts of an expression inside a rule; a slot where it is a value."""
        if isinstance(node, ast.Call) and called(node) == "str" and isinstance(node.args[0], ast.Name):
            return {RULE}
        try:
            found = self.rules(module, node)
        except UnfollowedError:
            return {SLOT}
        return found if 0 < len(found) <= MOST else {SLOT}

    def named(self, module, node):
        name = node.id
        for function in module.around(node):
            given = self.given(module, function, name)
            if given is not None:
                return given
            parameters = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            if name in [parameter.arg for parameter in parameters]:
                return self.handed(module, function, name)
        if name in module.constants:
            return self.rules(module, module.constants[name])
        raise UnfollowedError(name)

    def given(self, module, function, name):
        """Return what a function puts into a variable, None where it does not."""
        found, more, known = set(), [], False
        for node in module.own(function):
            for bound, value in bindings(node):
                if bound == name:
                    known = True
                    found |= self.rules(module, value)
            if isinstance(node, ast.For | ast.comprehension):
                looped = self.looped(node, name)
                if looped:
                    known = True
                    found |= set().union(*(self.rules(module, value) for value in looped))
            if isinstance(node, ast.AugAssign) and getattr(node.target, "id", "") == name:
                more.append(self.phrase(module, node.value))
        for added in more:
            found |= joined([found, added])
        return found if known else None

    def looped(self, node, name):
        """Return what a variable of a loop over written values takes."""
        if not isinstance(node.iter, ast.Tuple | ast.List):
            return []
        if getattr(node.target, "id", "") == name:
            return node.iter.elts
        if isinstance(node.target, ast.Tuple):
            places = [place for place, one in enumerate(node.target.elts) if getattr(one, "id", "") == name]
            rows = [row for row in node.iter.elts if isinstance(row, ast.Tuple)]
            return [row.elts[place] for row in rows for place in places]
        return []

    def handed(self, module, function, name):
        """Return what the callers of a function hand it as one of its parameters."""
        method = isinstance(module.parents.get(function), ast.ClassDef)
        positional = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)][method:]
        defaults = dict(zip(reversed(positional), reversed(function.args.defaults), strict=False))
        defaults |= {
            parameter.arg: default
            for parameter, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
            if default is not None
        }
        found = set()
        for caller, call in calls().get(function.name, ()):
            if caller is not module and (function.name in caller.functions or module.private(function)):
                continue
            keywords = {keyword.arg: keyword.value for keyword in call.keywords}
            place = positional.index(name) if name in positional else len(call.args)
            given = keywords.get(name) or (call.args[place] if place < len(call.args) else None)
            if given is not None:
                told = self.rules(caller, given)
                for template in told:
                    self.origins.setdefault(template, f"src/crksim/{caller.name}:{given.lineno}")
                found |= told
            elif name in defaults:
                found |= self.rules(module, defaults[name])
        if not found and not calls().get(function.name):
            raise UnfollowedError(f"{function.name}({name})")
        return found

    def call(self, module, node):
        name = called(node)
        if name in BILINGUAL:
            return set()
        if name == "str" and isinstance(node.args[0], ast.Name) and module.handler(node, node.args[0].id):
            return set()
        if name == "format" and isinstance(node.func, ast.Attribute):
            return {re.sub(r"\{\w+\}", SLOT, text) for text in self.rules(module, node.func.value)}
        home = module
        if name in module.imports and name not in module.functions:
            origin = module.imports[name][0].removeprefix("crksim.").replace(".", "/")
            home = modules().get(f"{origin}.py") or module
        if not isinstance(node.func, ast.Name) or name not in home.functions:
            raise UnfollowedError(ast.unparse(node))
        found = set()
        for function in home.functions[name]:
            for inner in ast.walk(function):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    found |= self.phrase(home, inner.value)
        return found


def told(node, kinds):
    """Return the expression of the rule where a node tells one."""
    if not isinstance(node, ast.Call):
        return None
    name = called(node)
    if name == "Problem" and "Problem" in kinds:
        named = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
        return named[0] if named else node.args[2]
    if name in kinds and name != "Problem" and node.args:
        return node.args[0]
    if name == "replace" and "Problem" in kinds:
        return next((keyword.value for keyword in node.keywords if keyword.arg == "rule"), None)
    return None


def sites(kinds):
    """Every (module, expression) of something that is told."""
    for module in modules().values():
        for node in () if module.name.startswith(TELLING) else module.nodes:
            expression = told(node, kinds)
            if expression is not None and not (called(node) == "ValueError" and module.name in UNTOLD):
                yield module, expression
        for name in SAYING.get(module.name, ()) if "Problem" in kinds else ():
            for function in module.functions[name]:
                yield from ((module, inner.value) for inner in ast.walk(function) if isinstance(inner, ast.Return))


@cache
def templates(*kinds):
    """Every template of what is told, and every place that could not be followed."""
    found, lost = {}, []
    for module, expression in sites(kinds):
        where = f"src/crksim/{module.name}:{expression.lineno}"
        try:
            follower = Follower()
            for template in follower.rules(module, expression):
                found.setdefault(template, Found(template, follower.origins.get(template, where)))
        except UnfollowedError as error:
            if (module.name, ast.unparse(expression)) not in FOLLOWED_ELSEWHERE:
                lost.append(f"{where}: {ast.unparse(expression)} ({error})")
    return sorted(found.values(), key=lambda one: one.template), lost
