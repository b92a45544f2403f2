# SPDX-License-Identifier: Apache-2.0
"""The API of a running engine, as its clients see it.

    folder.write("tokens", token_line("gate", "gateway"))
    with engine.start("state", "in.ndjson", "--listen", "127.0.0.1:0") as process:
        api = Api(process)
        equal(api.gate("u-1", "upload")["answer"], "allow")
"""

import hashlib
import http.client
import json
import re
import socket

from support.process import Failure, wait_until


def free_port():
    """That nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def token_of(name):
    """Long enough to be taken; of a test, so it may be known."""
    return hashlib.sha256(f"a token of the tests: {name}".encode()).hexdigest()


def token_line(name, *roles, uid=None):
    """What the file of tokens says of it."""
    digest = hashlib.sha256(token_of(name).encode()).hexdigest()
    return f"{name} {','.join(roles)} sha256:{digest}" + (f" uid:{uid}" if uid else "") + "\n"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)


class Api:
    """One connection, which is opened again when the other side has closed it."""

    def __init__(self, process, token="gate"):
        line = process.wait_for_line("the API listens on")
        self.port = int(re.search(rb"\(port (\d+)\)", line).group(1))
        self.token = token

    def call(self, method, path, body=None, token=None, headers=None):
        """`token`: the name of one; `none` for nobody."""
        sent = {} if (token or self.token) == "none" else {"Authorization": f"Bearer {token_of(token or self.token)}"}
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def gate(self, uid, purpose="upload", **more):
        answer = self.call("POST", "/v1/gate", {"uid": uid, "purpose": purpose, **more})
        if answer.status != 200:
            raise Failure(f"the gate answered {answer.status}: {answer.body}")
        return answer.json()

    def wait_for(self, uid, condition, what, purpose="upload", **more):
        """The first answer for which `condition` holds."""

        def asked():
            answer = self.gate(uid, purpose, **more)
            return answer if condition(answer) else None

        return wait_until(asked, what)

    def wait_for_status(self, condition, what, **how):
        """The first status of the token's user for which `condition` holds. It waits, too, where the user asks too often
        (429) and where no owner is known (503)."""

        def asked():
            answer = self.call("GET", "/v1/fair-use/status", **how)
            return answer.json() if answer.status == 200 and condition(answer.json()) else None

        return wait_until(asked, what)

    def wait_until_used(self, ms, **how):
        """Of the budget of the token's user."""
        self.wait_for_status(lambda status: status["budget"]["used_ms"] == ms, f"{ms} ms are used", **how)
