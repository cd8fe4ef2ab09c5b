"""What import-linter cannot see of docs/adr: single modules, submodules of `azure`, calls."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = sorted((ROOT / "bp_core").rglob("*.py"))
EDGE = sorted((ROOT / "functions").rglob("*.py"))
BEFORE_ANYTHING_IS_INSTALLED = [
    ROOT / "dev.py",
    *sorted((ROOT / "local" / "dev").glob("*.py")),
    *(
        ROOT / "local" / name
        for name in ("__init__.py", "data_directory.py", "errors.py", "locking.py", "node.py", "stopping.py")
    ),
    *(ROOT / "ops" / name for name in ("__init__.py", "checkov.py", "tools.py")),
]
IMPURE_CALL = re.compile(
    r"((datetime\.)?(datetime|date)\.(now|utcnow|today)|(uuid\.)?uuid\d|open|input|print)"
)


def imported_modules(file: Path) -> set[str]:
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def calls(file: Path) -> list[str]:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)]


def relative(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_the_function_app_knows_functions_and_nothing_below_them() -> None:
    roots = {module.partition(".")[0] for module in imported_modules(ROOT / "function_app.py")}
    assert roots - set(sys.stdlib_module_names) == {"azure", "functions"}


@pytest.mark.parametrize("file", DOMAIN, ids=relative)
def test_the_domain_takes_time_ids_and_settings_as_arguments(file: Path) -> None:
    assert [call for call in calls(file) if IMPURE_CALL.fullmatch(call)] == []


@pytest.mark.parametrize("file", EDGE, ids=relative)
def test_functions_know_of_azure_only_the_programming_model(file: Path) -> None:
    of_azure = {module for module in imported_modules(file) if module.startswith("azure.")}
    assert all(module.startswith("azure.functions") for module in of_azure)


@pytest.mark.parametrize("file", BEFORE_ANYTHING_IS_INSTALLED, ids=relative)
def test_the_set_up_runs_before_anything_is_installed(file: Path) -> None:
    roots = {module.partition(".")[0] for module in imported_modules(file)}
    assert roots <= set(sys.stdlib_module_names) | {"local", "ops"}


def test_an_old_python_can_read_dev_py_far_enough_to_say_that_it_is_too_old() -> None:
    ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"), feature_version=(3, 7))
