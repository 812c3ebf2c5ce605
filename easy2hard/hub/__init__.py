"""The Hugging Face Hub: data, models, results and the page of boards, to it and from it.

A push looks at what the repo holds, sends what differs as one commit on top of what it saw, and begins anew where
somebody else was faster; so nothing is ever half there, and a second push of the same sends nothing. Files arrive
before the commit that names them: a push that was cut goes on with what is missing. Whatever the Hub or the
network does comes out as one `UserError` that says what to do.
"""

from easy2hard.hub.data import push_data
from easy2hard.hub.model import Fetched, fetch, push_model
from easy2hard.hub.page import push_page
from easy2hard.hub.results import Pulled, pull_results, push_results
from easy2hard.hub.sending import Change, Sent, Target

__all__ = [
    "Change",
    "Fetched",
    "Pulled",
    "Sent",
    "Target",
    "fetch",
    "pull_results",
    "push_data",
    "push_model",
    "push_page",
    "push_results",
]
