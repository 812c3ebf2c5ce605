"""`python -m easy2hard`: the command line, from a bare clone too."""

from easy2hard.cli import main

main()
