"""The tour: runs the portal's main scenario over HTTP and checks every response against the rules.

`python3 dev.py tour` shows new developers what the portal does, and is an end-to-end test. The first response
that is not as in docs/rules.md stops the tour with status 1.
"""
