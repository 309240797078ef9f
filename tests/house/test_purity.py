"""The law does no I/O: importing it loads nothing that could.

msgspec is let in with what it brings along (it knows UUIDs): its structs are values, as dataclasses are.
"""

import subprocess
import sys

FORBIDDEN = {
    "asyncio", "http", "httptools", "logging", "random", "secrets", "select", "socket", "sqlalchemy",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "urllib.request", "uuid", "uvicorn",
}  # fmt: skip
LIST_MODULES = """
import sys
import msgspec
before = set(sys.modules)
import pkgutil, tabard.policy
known = {m.name for m in pkgutil.iter_modules(tabard.policy.__path__)}
before |= set(sys.modules)
for name in sorted(known):
    __import__(f"tabard.policy.{name}")
print("\\n".join(sorted(set(sys.modules) - before)))
"""


def test_importing_the_policy_package_loads_no_module_that_does_io():
    run = subprocess.run([sys.executable, "-I", "-c", LIST_MODULES], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "tabard.policy.decide" in loaded
    ours = {name for name in loaded if name.startswith("tabard.") and not name.startswith("tabard.policy.")}
    assert ours <= {"tabard.faults", "tabard.names", "tabard.names.arn", "tabard.names.policies", "tabard.names.tags"}
    assert loaded & FORBIDDEN == set()
