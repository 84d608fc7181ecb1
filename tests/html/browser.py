# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Headless Chromium with a page from a file: what it says, what it shows, pictures of it."""
import base64
import pathlib
import shutil
import sys
import time

WIDTHS = {"wide": 1240, "phone": 390}


def missing():
    """What is not installed, or None."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return program
    try:
        import selenium  # noqa: F401
    except ImportError:  # a Python beside Debian's, whose packages are there all the same
        sys.path.append("/usr/lib/python3/dist-packages")
        try:
            import selenium  # noqa: F401
        except ImportError:
            return "python3-selenium"
    return None


class Browser:
    """One Chromium; pages are looked at one after the other."""

    def __init__(self, scale=1):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage", f"--force-device-scale-factor={scale}"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.scale = scale

    def close(self):
        self.driver.quit()

    def devtools(self, name, **parameters):
        return self.driver.execute_cdp_cmd(name, parameters)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def open(self, page, theme="light", width="wide"):
        """Loads a page; waits until its view has drawn."""
        self.devtools("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.devtools("Emulation.setDeviceMetricsOverride", width=WIDTHS[width], height=900, deviceScaleFactor=self.scale, mobile=width == "phone")
        self.requests()  # of what was open before
        self.driver.get(pathlib.Path(page).resolve().as_uri())
        self.wait("return document.documentElement.dataset.ready === 'true'", f"{page}: its view does not end")
        self.settle()

    def wait(self, condition, said):
        end = time.monotonic() + 30
        while not self.run(condition):
            if time.monotonic() > end:
                raise AssertionError(f"{said}: {self.messages()}")
            time.sleep(0.05)

    def settle(self):
        """Two frames: charts are drawn anew after their width changed."""
        self.driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done)));")

    def messages(self):
        """Everything that the console and the loader complained of since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Addresses that the browser asked for since the last call."""
        import json
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]

    def key(self, name, code):
        for kind in ("rawKeyDown", "keyUp"):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def picture(self, file, selector=None, height=None):
        """A PNG of the whole page, of its first `height` pixels, or of what `selector` finds."""
        whole = self.run("return {x: 0, y: 0, width: innerWidth, height: document.documentElement.scrollHeight};")
        clip = whole if selector is None else self.run(
            "const r = document.querySelector(arguments[0]).getBoundingClientRect(); return {x: r.x, y: r.y + scrollY, width: r.width, height: r.height};", selector)
        clip["height"] = min(clip["height"], height or 12000)
        image = self.devtools("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip={**clip, "scale": 1})
        file.write_bytes(base64.b64decode(image["data"]))

    def pdf(self, file):
        """The page as paper."""
        file.write_bytes(base64.b64decode(self.devtools("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"]))
