"""Requests without pause against the gateway, as several clients, and what became of each."""

import http.client
import threading
import time

# One client of each kind: the number of clients stays far below the limits of nginx.
PATHS = {
    "public page": "/api/v1/genres/",
    "film": "/api/v1/films/",
    "account": "/api/v1/account/",
    "admin": "/api/v1/me",
}
# Between two requests of a client, in seconds.
PAUSE = 0.02


class Load:
    """Clients that send requests from `start` to `stop`; each on a connection that stays open, as browsers do."""

    def __init__(self, port, token):
        self.port, self.token = port, token
        self.running = False
        self.results = []
        self.threads = []

    def start(self):
        self.running, self.results = True, []
        self.threads = [threading.Thread(target=self.client, args=pair) for pair in PATHS.items()]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.running = False
        for thread in self.threads:
            thread.join()
        return Result(self.results)

    def client(self, kind, path):
        connection = None
        while self.running:
            started = time.monotonic()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
                response = connection.getresponse()
                response.read()
                outcome = response.status
                if response.will_close:
                    connection.close()
                    connection = None
            except (OSError, http.client.HTTPException):
                outcome = "no response"
                connection = None
            self.results.append((kind, outcome, time.monotonic() - started))
            time.sleep(PAUSE)


class Result:
    """What became of the requests of a time."""

    def __init__(self, results):
        self.requests = len(results)
        self.failures, self.kinds = {}, set()
        for kind, outcome, _ in results:
            if outcome != 200:
                self.kinds.add(kind)
                self.failures[f"{kind} {outcome}"] = self.failures.get(f"{kind} {outcome}", 0) + 1
        self.failed = sum(self.failures.values())
        self.slowest = max((seconds for _, _, seconds in results), default=0)
        self.slow = sum(seconds > 1 for _, _, seconds in results)

    def cells(self):
        what = ", ".join(f"{count} × {kind}" for kind, count in sorted(self.failures.items())) or "none"
        return [str(self.requests), str(self.failed), what, f"{self.slowest * 1000:.0f} ms", str(self.slow)]
