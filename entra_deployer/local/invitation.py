"""The address of the local stack's page, with a token that is good once."""

import json
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.elasticsearch import basic
from entra_deployer.local.stack import LocalStack

_TIMEOUT = 10
_PAGE = "/local/page"


def invitation(stack: LocalStack) -> str:
    """Where the page is, for one login within a minute. Raises LocalStackError where the stack does not say."""
    connection = HTTPConnection(urlsplit(stack.kibana_url).netloc, timeout=_TIMEOUT)
    headers = {"Authorization": basic(stack.password), "kbn-xsrf": "deploy"}
    try:
        connection.request("POST", f"{_PAGE}/invitation", headers=headers)
        token = str(json.loads(connection.getresponse().read())["token"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        hint = f"deploy local down --name {stack.name}, then again: an older deploy may have started it"
        raise LocalStackError(f"the stack {stack.name} has no page", hint=hint) from error
    finally:
        connection.close()
    return f"{stack.kibana_url}{_PAGE}#token={token}"
