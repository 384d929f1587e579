"""Verifies tokens with PyJWT as people use it: PyJWKClient with nothing set. Asked with: JWKS, ISSUER.

A line on stdin is {now, verifier, tokens}; the answer is a line with the reasons of those that were refused. Each verifier
keeps a key set of its own. The clocks stand at `now` between lines.
"""

import datetime
import json
import sys
import time

jwks, issuer = sys.argv[1:3]
now = 0.0
time.time = lambda: now
time.monotonic = lambda: now

import jwt  # noqa: E402: after the clocks


class Moved(datetime.datetime):
    """The library asks this class what time it is."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(now, tz)


jwt.api_jwt.datetime = Moved

verifiers = {}
for line in sys.stdin:
    asked = json.loads(line)
    now = asked["now"] / 1000
    client = verifiers.setdefault(asked["verifier"], jwt.PyJWKClient(jwks))
    refused = []
    for token in asked["tokens"]:
        try:
            key = client.get_signing_key_from_jwt(token)
            algorithms = ["ES256", "EdDSA", "RS256", "PS256"]
            jwt.decode(token, key, algorithms=algorithms, issuer=issuer, audience=issuer)
        except jwt.PyJWTError as error:
            refused.append(f"{type(error).__name__}: {error}")
    print(json.dumps(refused), flush=True)
