"""The one exception that stands for input which cannot be used."""


class UserError(ValueError):
    """Says the rule, the values that broke it, and the next step.

    The command line prints the message alone and exits with code 2; a notebook sees a `ValueError`.
    """
