"""A real browser: headless Chromium, by the WebDriver protocol of chromedriver."""

import json
import subprocess
import time
import urllib.error
import urllib.request

from project import Failed, wait

PORT = 9515
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    def __init__(self, folder):
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={PORT}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"HOME": str(folder), "TMPDIR": str(folder), "PATH": "/usr/local/bin:/usr/bin:/bin"})
        self.session = ""
        wait(self.is_ready, 20, "chromedriver does not answer")
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                            "--disable-background-networking", f"--user-data-dir={folder}/profile"]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        self.session = f"/session/{self.ask('POST', '/session', wanted)['sessionId']}"

    def is_ready(self):
        try:
            return self.ask("GET", "/status")["ready"]
        except OSError:
            return False

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{PORT}{self.session}{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["value"]

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def text(self):
        script = "return document.body?.innerText ?? ''"
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def sees(self, text):
        wait(lambda: text in self.text(), 20, f"the page does not show {text!r}")

    def press(self, xpath):
        """As soon as it is there; a page may be drawn again in between."""
        end = time.monotonic() + 20
        while True:
            try:
                found = self.ask("POST", "/element", {"using": "xpath", "value": xpath})
                return self.ask("POST", f"/element/{found[ELEMENT]}/click", {})
            except urllib.error.HTTPError as why:
                if time.monotonic() > end:
                    raise Failed(f"there is no {xpath} in:\n{self.text()}") from why
                time.sleep(0.2)

    def close(self):
        self.ask("DELETE", "")
        self.driver.terminate()
        self.driver.wait()


def sign_in_and_out(browser, url, provider):
    """At a mock provider, as its user Anna."""
    browser.open(f"{url}/account/sign-in?language=en")
    browser.press(f"//a[normalize-space()='Continue with {provider}']")
    browser.press("//button[@value='anna']")
    browser.sees("Member since")
    browser.press("//button[normalize-space()='Sign out']")
    browser.sees("You are signed out.")
