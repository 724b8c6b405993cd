"""The floor of a start of the embedded stack: the java command alone, until it answers a query.

Usage: java.py FILE; the password is in BENCH_PASSWORD. FILE says what is run in which folder, and told on its standard
input, whose end is the end of the node.
"""

import base64
import json
import os
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

PAUSE = 0.02
told = json.loads(Path(sys.argv[1]).read_bytes())
node = subprocess.Popen(
    told["command"], cwd=told["folder"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
assert node.stdin
node.stdin.write(told["settings"].encode())
node.stdin.flush()
user = base64.b64encode(f"elastic:{os.environ['BENCH_PASSWORD']}".encode()).decode()
headers = {"Authorization": f"Basic {user}", "Content-Type": "application/json"}
status = 0
while status != 200:
    assert node.poll() is None
    connection = HTTPConnection("127.0.0.1", told["port"], timeout=10)
    try:
        connection.request("POST", "/_query", json.dumps({"query": "ROW ready = true"}), headers)
        status = connection.getresponse().status
    except OSError:
        time.sleep(PAUSE)
    finally:
        connection.close()
