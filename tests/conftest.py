"""What holds in every process that runs tests."""

import os
import secrets

# Ray reads these once in a process; tests that start it in different ways must agree on them.
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
