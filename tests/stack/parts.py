"""The programs of the stack: each starts on a free port, is asked over HTTP, and ends with the stack."""

import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "tools"
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failure(Exception):
    """What is wrong, in words for whoever started this."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(url, parse=True):
    try:
        with LOCAL.open(url, timeout=10) as answer:
            body = answer.read().decode()
    except urllib.error.HTTPError as error:
        body = error.read().decode()
    return json.loads(body) if parse else body


def until(what, condition, seconds=60):
    """Waits for `condition` to give something, and gives it."""
    end = time.monotonic() + seconds
    while True:
        try:
            if value := condition():
                return value
        except OSError:
            pass
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:.0f} s in vain until {what}")
        time.sleep(0.2)


def program(variable, path, remedy):
    found = os.environ.get(variable, str(path))
    if not shutil.which(found):
        raise Failure(f"{found} is missing: {remedy}, or name another in {variable}")
    return found


class Parts:
    """What runs, and what the webhook was told: pairs of a time and an alert."""

    def __init__(self, folder):
        self.folder, self.running, self.ports, self.received = folder, [], {}, []

    def __enter__(self):
        self._listen()
        return self

    def __exit__(self, *_):
        for _, process in reversed(self.running):
            process.terminate()
        for _, process in reversed(self.running):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.server.shutdown()

    def stop(self, name):
        process = dict(self.running)[name]
        process.terminate()
        process.wait()
        self.running.remove((name, process))

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def all_run(self):
        for name, process in self.running:
            if process.poll() is not None:
                raise Failure(f"{name} ended with status {process.returncode}")
        return True

    def logs(self):
        said = (f"--- {name}\n{(self.folder / name).read_text()[-1500:]}" for name, _ in self.running)
        return "\n".join(said)

    def start(self, name, command, path="/", env=None):
        with open(self.folder / name, "w") as log:
            process = subprocess.Popen(
                [str(word) for word in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=ROOT,
                env={**os.environ, **(env or {})}, start_new_session=True,
            )
        self.running.append((name, process))

        def answers():
            self.all_run()
            return ask(f"{self.url(name)}{path}", parse=False) is not None

        until(f"{name} answers", answers)

    def demo(self):
        self.ports["exporter"] = free_port()
        self.start("exporter", [self._binary(), "demo", "--listen", f"127.0.0.1:{self.ports['exporter']}"])

    def clouds(self, speed, seed):
        self.ports["clouds"] = free_port()
        self.start("clouds", [self._binary(), "simulate", "--listen", f"127.0.0.1:{self.ports['clouds']}", "--speed", speed, "--seed", seed], "/calls")

    def exporter(self):
        """On the clouds, as their greeting says; commands are polled every two seconds."""
        self.ports["exporter"] = free_port()
        env = dict(re.findall(r"export (\w+)=(\S+)", (self.folder / "clouds").read_text()))
        env["TASKRUN_STATE__PATH"] = str(self.folder / "state")
        env["TASKRUN_WEB__LISTEN"] = f'["127.0.0.1:{self.ports["exporter"]}"]'
        for source in ("DATAFLOWS", "COMMANDS", "FUNCTIONS", "BATCH"):
            env[f"TASKRUN_SOURCES__{source}__SCHEDULE"] = "2s" if source == "COMMANDS" else "1m"
            # A fast world has a long past.
            env[f"TASKRUN_SOURCES__{source}__SETTINGS__LOOKBACK"] = "2m"
        self.start("exporter", [self._binary(), "run", "--config", "config/demo.toml"], env=env)

    def prometheus(self, seconds):
        """With the shipped rules, which lead to the runbooks that the webhook's server shows."""
        self.ports["prometheus"], self.ports["alertmanager"] = free_port(), free_port()
        for path in (ROOT / "config" / "prometheus").glob("*.yml"):
            text = re.sub(r"(runbook_url: )[^#\s]*#", rf"\1{self.url('webhook')}/runbooks.md#", path.read_text())
            (self.folder / path.name).write_text(text)
        config = {
            "global": {"scrape_interval": f"{seconds}s", "evaluation_interval": f"{seconds}s"},
            "rule_files": ["recording.yml", "limits.yml", "alerts.yml"],
            "scrape_configs": [{"job_name": "taskrun-exporter", "static_configs": [{"targets": [self.url("exporter")[7:]]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [self.url("alertmanager")[7:]]}]}]},
        }
        (self.folder / "prometheus.yml").write_text(json.dumps(config))
        binary = program("PROMETHEUS", TOOLS / "prometheus", "tests/tools.sh brings it")
        self.start("prometheus", [
            binary, f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
            f"--web.listen-address={self.url('prometheus')[7:]}",
        ], "/-/ready")

    def alertmanager(self, at_once=False):
        text = (ROOT / "config" / "prometheus" / "alertmanager.yml").read_text()
        text = text.replace("http://127.0.0.1:9095/", f"{self.url('webhook')}/")
        if at_once:
            text = re.sub(r"group_by: .*", "group_by: ['...']", text)
            text = re.sub(r"group_(wait|interval): \w+", r"group_\1: 1s", text)
        (self.folder / "alertmanager.yml").write_text(text)
        binary = program("ALERTMANAGER", TOOLS / "alertmanager", "tests/tools.sh brings it")
        self.start("alertmanager", [
            binary, f"--config.file={self.folder}/alertmanager.yml", f"--storage.path={self.folder}/alerts",
            f"--web.listen-address={self.url('alertmanager')[7:]}", "--cluster.listen-address=",
        ], "/-/ready")

    def query(self, query):
        return ask(f"{self.url('prometheus')}/api/v1/query?{urllib.parse.urlencode({'query': query})}")

    def value(self, query):
        result = self.query(query)["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def rules(self):
        return [rule for group in ask(f"{self.url('prometheus')}/api/v1/rules")["data"]["groups"] for rule in group["rules"]]

    def _binary(self):
        return program("EXPORTER", ROOT / "target" / "debug" / "taskrun-exporter", "cargo build makes it")

    def _listen(self):
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                received.extend((time.time(), alert) for alert in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.end_headers()
                self.wfile.write((ROOT / "dashboards" / "runbooks.md").read_bytes())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.ports["webhook"] = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
