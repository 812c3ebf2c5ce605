"""The version of the installed package."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("easy2hard")
except PackageNotFoundError:  # run from a bare clone
    VERSION = "0.1.0+uninstalled"
