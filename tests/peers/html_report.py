"""Clicks through an HTML report in headless Chromium, over the WebDriver protocol: html_report.py REPORT.html"""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


class Browser:
    def __init__(self, width, height, dark):
        self.profile = tempfile.mkdtemp()
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}/session"
        args = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},{height}", f"--user-data-dir={self.profile}"]
        if dark:
            args.append("--blink-settings=preferredColorScheme=0")
        wanted = {"browserName": "chrome", "goog:chromeOptions": {"args": args}, "goog:loggingPrefs": {"browser": "ALL"}}
        for attempt in range(100):
            try:
                self.session = self.call("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
            except urllib.error.URLError:
                time.sleep(0.1)
        raise SystemExit("chromedriver does not answer")

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)["value"]

    def go(self, path):
        self.call("POST", f"/{self.session}/url", {"url": "file://" + os.path.abspath(path)})

    def js(self, script, *args):
        return self.call("POST", f"/{self.session}/execute/sync", {"script": script, "args": list(args)})

    def complaints(self):
        log = self.call("POST", f"/{self.session}/se/log", {"type": "browser"})
        return [line for line in log if line["level"] in ("SEVERE", "WARNING")]

    def picture(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("GET", f"/{self.session}/screenshot")))

    def close(self):
        try:
            self.call("DELETE", f"/{self.session}")
        finally:
            self.driver.terminate()
            self.driver.wait()
            shutil.rmtree(self.profile, ignore_errors=True)


failures = 0


def check(what, true):
    global failures
    print(("ok    " if true else "FAIL  ") + what)
    failures += not true


MARKS = "return document.querySelectorAll('#chart0 .mark').length"
TEXTS = "return Array.from(document.querySelectorAll('#table0 table tbody tr')).filter(r => !r.hidden).map(r => r.cells[%d].dataset.v)"
CHOOSE = """const s = document.querySelectorAll('#chart0 select')[arguments[0]];
            s.value = arguments[1]; s.dispatchEvent(new Event('change'));"""


def clicks(b):
    marks = b.js(MARKS)
    rows = len(b.js(TEXTS % 0))
    check(f"a mark for each of {rows} rows", marks == rows)
    b.js("document.querySelector('#chart0 .legend button').click()")
    fewer = b.js(MARKS)
    check(f"an engine that is switched off is gone: {marks} marks, then {fewer}", 0 < fewer < marks)
    check("and says so to a screen reader", b.js("return document.querySelector('#chart0 .legend button').getAttribute('aria-pressed')") == "false")
    b.js("document.querySelector('#chart0 .legend button').click()")
    check("and back", b.js(MARKS) == marks)

    place = "return document.querySelectorAll('#chart0 .mark')[%d].getAttribute('transform')" % (marks - 1)
    before = b.js(place)
    b.js("document.querySelector('#chart0 .zoom button').click()")
    check("zooming in moves the marks", b.js(place) != before)
    b.js("document.querySelectorAll('#chart0 .zoom button')[2].click()")
    check("and all is shown again", b.js(place) == before)

    b.js("document.querySelector('#chart0 .mark').dispatchEvent(new MouseEvent('mouseenter', {clientX: 100, clientY: 100}))")
    tip = b.js("const t = document.getElementById('tip'); return t.classList.contains('on') ? t.textContent : ''")
    check(f"hovering tells the figure: {tip!r}", "median" in tip and "95 % interval" in tip)
    b.js("""document.querySelector('#chart0 svg[role=img]').dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight'}))""")
    check("an arrow key goes to a point", b.js("return document.querySelectorAll('#chart0 .mark.at').length") == 1)

    forms = b.js("return Array.from(document.querySelectorAll('#chart0 select')[1].options).map(o => o.value)")
    metrics = b.js("return Array.from(document.querySelectorAll('#chart0 select')[0].options).map(o => o.value)")
    for form in forms:
        b.js(CHOOSE, 1, form)
        for metric in metrics:
            b.js(CHOOSE, 0, metric)
            bad = b.js("return Array.from(document.querySelectorAll('#chart0 svg *')).filter(e => Array.from(e.attributes)"
                       ".some(a => /NaN|undefined|Infinity/.test(a.value))).length")
            check(f"form '{form}' draws metric {metric}", bad == 0 and b.js("return !!document.querySelector('#chart0 svg[aria-label]')"))
    b.js(CHOOSE, 0, metrics[0])
    b.js(CHOOSE, 1, forms[0])
    before = b.js(place)
    b.js("document.querySelector('#chart0 input[type=checkbox]').click()")
    check("a logarithmic scale moves the marks", b.js(MARKS) == marks and b.js(place) != before)

    b.js("document.querySelectorAll('#table0 thead th button')[6].click()")
    values = [float(v) for v in b.js(TEXTS % 6) if v is not None]
    check("a click on a title sorts", values == sorted(values))
    b.js("document.querySelectorAll('#table0 thead th button')[6].click()")
    values = [float(v) for v in b.js(TEXTS % 6) if v is not None]
    check("another click sorts the other way", values == sorted(values, reverse=True))
    b.js("const i = document.querySelector('#table0 .filter input'); i.value = 'native'; i.dispatchEvent(new Event('input'))")
    check("the filter leaves what fits", set(b.js(TEXTS % 0)) == {"native"})

    b.js("document.getElementById('raw0').open = true")
    time.sleep(0.2)
    shown = b.js("return document.querySelectorAll('#raw0 tbody tr').length")
    check(f"the raw rows unfold: {shown} of them", 0 < shown <= 100)
    dark = b.js("return getComputedStyle(document.body).backgroundColor")
    b.js("document.getElementById('theme').click()")
    check("the theme changes", b.js("return getComputedStyle(document.body).backgroundColor") != dark)
    wide = b.js("return [document.documentElement.scrollWidth, innerWidth]")
    check(f"the page is not wider than the window: {wide}", wide[0] <= wide[1])
    unnamed = b.js("""return Array.from(document.querySelectorAll('button, select, input')).filter(e =>
        !(e.textContent.trim() || e.getAttribute('aria-label') || e.closest('label'))).length""")
    check("every control has a name", unnamed == 0)
    check("every table has a caption", b.js("return Array.from(document.querySelectorAll('table')).every(t => t.caption)"))


def main(path, pictures=None):
    for name, width, height, dark in (("desktop", 1280, 1700, False), ("phone", 500, 1700, False), ("dark", 1280, 1700, True)):
        b = Browser(width, height, dark)
        try:
            print(f"{name}, {width} wide")
            b.go(path)
            if pictures:
                b.picture(os.path.join(pictures, name + ".png"))
            clicks(b)
            complaints = b.complaints()
            check(f"nothing on the console: {complaints}", not complaints)
        finally:
            b.close()
    return 1 if failures else 0


sys.exit(main(*sys.argv[1:]))
