"""A Prometheus whose answers a test has written down."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answer = Callable[[str, float], dict[str, float]]
"""Expression and time → value by the one label that the expression groups by; ``""``: none."""


class Stub:
    """What it was asked, and what it says."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.url = ""

    def result(self, path: str, asked: dict[str, str]) -> list[dict]:
        expression = asked["query"]
        self.asked.append(expression)
        found = re.search(r"by \((?:le, )?(\w+)\)", expression)
        label = found[1] if found else ""
        if path.endswith("query"):
            time = float(asked["time"])
            return [
                {"metric": {label: key} if key else {}, "value": [time, str(value)]}
                for key, value in self.answer(expression, time).items()
            ]
        start, end, step = (float(asked[name]) for name in ("start", "end", "step"))
        series: dict[str, list] = {}
        for index in range(round((end - start) / step) + 1):
            time = start + index * step
            for key, value in self.answer(expression, time).items():
                series.setdefault(key, []).append([time, str(value)])
        return [
            {"metric": {label: key} if key else {}, "values": values}
            for key, values in series.items()
        ]


@contextmanager
def prometheus_stub(answer: Answer) -> Iterator[Stub]:
    """Serves while the block runs."""
    stub = Stub(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            asked = {key: values[0] for key, values in parse_qs(url.query).items()}
            body = {"status": "success", "data": {"result": stub.result(url.path, asked)}}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        stub.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
