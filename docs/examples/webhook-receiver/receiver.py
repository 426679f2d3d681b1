"""A webhook that answers `points.rule`, with the standard library alone: SIGNING_SECRET=whsec_… python3 receiver.py
While a secret is rotated, name both, separated by a space."""
import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEYS = [base64.b64decode(s.removeprefix("whsec_")) for s in os.environ["SIGNING_SECRET"].split()]
MAX_BYTES = 1_000_000
TOLERANCE_SECONDS = 5 * 60
seen = {}  # webhook-id → until when it is remembered. Several processes share this in a database.
seen_lock = threading.Lock()


def verify(headers, body):
    """Whether we are asked by somebody who knows the secret, now, and for the first time."""
    id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    now = time.time()
    if not id or not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{id}.{timestamp}.".encode() + body
    wanted = [b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)) for key in KEYS]
    sent = headers.get("webhook-signature", "").encode().split(b" ")
    if not any(hmac.compare_digest(one, key) for one in sent for key in wanted):
        return False
    with seen_lock:
        for old in [old for old, until in seen.items() if until < now]:
            del seen[old]
        return seen.setdefault(id, mine := now + 2 * TOLERANCE_SECONDS) is mine


def call_of(body):
    """What is asked; None when it is no JSON, or nothing that we answer."""
    try:
        call = json.loads(body)
        is_ours = call["point"] in ("points.rule", "challenge") and isinstance(call["input"], dict)
        return call if is_ours else None
    except (ValueError, KeyError, TypeError):
        return None


def answer(call):
    """Yours. Act only when mode is LIVE or CANARY; the same idempotencyKey is the same request, asked again."""
    if call["point"] == "challenge":
        return {"challenge": call["input"]["challenge"]}
    return {"postings": [{"asset": "points", "amount": "10", "reason": "Thank you"}]}


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open
    timeout = 120  # of a connection on which nothing comes

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BYTES:
            return self.send_error(413)
        body = self.rfile.read(int(length))
        verified = verify(self.headers, body)
        call = call_of(body) if verified else None
        said = json.dumps({"output": answer(call)}).encode() if call else b""
        self.send_response(200 if call else 400 if verified else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Receiver)
server.daemon_threads = True
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
