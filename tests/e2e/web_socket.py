"""The server's side of a WebSocket (RFC 6455)."""

import base64
import hashlib


def accept(handler):
    """Answers the upgrade that an HTTP handler was asked for (§4.2.2); frames follow, and the connection ends with them."""
    key = handler.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
    handler.end_headers()
    handler.wfile.flush()
    handler.close_connection = True
