"""A shelf is a sub-package; a name on it is one of its files. Nothing is registered."""

import importlib
import importlib.util
import sys
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from easy2hard.errors import UserError

_PACKAGE = Path(__file__).parent
LOADED = "_easy2hard_"  # how the name of a module begins that was imported by its path


def names(shelf: str) -> list[str]:
    """The names on a shelf such as `"noise"`, sorted."""
    return sorted(file.stem for file in (_PACKAGE / shelf).glob("*.py") if not file.stem.startswith("_"))


def take(shelf: str, name: str) -> ModuleType:
    """The module called `name` on a shelf; a path such as `./mine.py` is loaded from that file.

    Raises `UserError`, with the names that there are, where the shelf has none called `name`.
    """
    if name.endswith(".py"):
        return load_file(Path(name))
    if name not in names(shelf):
        raise UserError(
            f"there is no '{name}' in easy2hard/{shelf}/; there are: {', '.join(names(shelf))}. "
            f"To add one, write easy2hard/{shelf}/{name}.py, or give the path of a .py file."
        )
    return importlib.import_module(f"easy2hard.{shelf}.{name}")


def load_file(path: Path) -> ModuleType:
    """Import a Python file by its path, once for as long as it stays as it is, under a module name of its own."""
    path = path.resolve()
    if not path.is_file():
        raise UserError(f"there is no file {path}.")
    version = blake2b(str(path).encode() + b"\0" + path.read_bytes(), digest_size=8).hexdigest()
    name = f"{LOADED}{path.stem}_{version}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # a .py file always has a spec …
    assert spec.loader is not None  # … and a loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
