"""The page to look with, in a browser, and its server's limits."""

import json
import struct
import urllib.parse
import zlib

import numpy as np
import pytest

from ordinal_tf.web import look
from tests.web.conftest import StandingModel, fetch, jpeg, serving

BINARY = "application/octet-stream"


@pytest.fixture
def url():
    models = {"one": StandingModel(), "two": StandingModel(shift=15.0)}
    app = look.make_app(models, host="127.0.0.1", body_bytes=300_000)
    with serving(app) as address:
        yield address


@pytest.fixture
def opened(page, url, drawn_pictures):
    page.go(url)
    page.wait("document.body.dataset.ready")
    page.choose_file("#file", drawn_pictures / "p0.png")
    page.wait("document.body.dataset.people === '1'")
    return page


def pixels(page, canvas):
    """The sum of a canvas' pixels: changes when what is drawn does."""
    return page.run(
        "(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        f".reduce((a, b) => a + b, 0))(document.getElementById('{canvas}'))"
    )


def corner(page, selector):
    return page.run(
        "(({x, y, width, height}) => [x, y, width, height])"
        f"(document.querySelector({selector!r}).getBoundingClientRect())"
    )


def test_a_photograph_shows_joints_and_a_pose(opened):
    colours = opened.run(
        "((c) => { const d = c.getContext('2d').getImageData(0, 0, c.width, "
        "c.height).data; const found = {}; for (let i = 0; i < d.length; i += "
        "4) { const k = [d[i], d[i + 1], d[i + 2]].join(); found[k] = "
        "(found[k] ?? 0) + 1; } return found; })"
        "(document.getElementById('first-pose'))"
    )
    # Both sides of the body are there.
    assert colours["255,133,27"] > 300 and colours["64,156,255"] > 300
    assert "closest" in opened.text("#said")
    assert opened.run("document.getElementById('second-pose').clientWidth") == 0


def test_dropping_a_photograph(page, url):
    page.go(url)
    page.wait("document.body.dataset.ready")
    page.run(
        "(async () => { const c = new OffscreenCanvas(160, 200); "
        "c.getContext('2d'); const blob = await c.convertToBlob(); const data "
        "= new DataTransfer(); data.items.add(new File([blob], 'a.png')); "
        "dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: "
        "true})); })()"
    )
    page.wait("document.body.dataset.people === '1'")


def test_the_pose_turns_with_the_mouse_and_with_keys(opened):
    before = pixels(opened, "first-pose")
    x, y, width, height = corner(opened, "#first-pose")
    at = np.array([x + width / 2, y + height / 2])
    opened.drag(at.tolist(), (at + [80, 0]).tolist())
    turned = pixels(opened, "first-pose")
    assert turned != before
    opened.run("document.getElementById('first-pose').focus()")
    opened.press("ArrowLeft")
    assert pixels(opened, "first-pose") != turned


def test_a_box_is_moved_and_another_is_drawn(opened):
    x, y, width, height = corner(opened, "#photo")
    scale = min((width - 8) / 160, (height - 8) / 200)
    origin = np.array([x + width / 2, y + height / 2])

    def screen(*point):
        return (origin + (np.array(point) - [80, 100]) * scale).tolist()

    opened.drag(screen(80, 100), screen(85, 110), screen(100, 110))
    opened.wait("document.querySelector('#said').innerText.includes('closest')")
    # The model's box is 80, 100, 210, dragged by 20 and 10.
    sent = last_boxes(opened)
    np.testing.assert_allclose(sent, [[100, 110, 210]], atol=1)
    opened.mouse("mousePressed", *screen(20, 30), modifiers=8)
    opened.mouse("mouseMoved", *screen(60, 90), modifiers=8)
    opened.mouse("mouseReleased", *screen(60, 90), modifiers=8)
    opened.wait("document.body.dataset.people === '2'")
    np.testing.assert_allclose(last_boxes(opened)[1], [50, 60, 60], atol=1)
    opened.click("#remove")
    opened.wait("document.body.dataset.people === '1'")
    opened.click("#remove")
    opened.wait("document.body.dataset.people === ''")
    assert opened.text("#said") == "Draw a box around a person."


def last_boxes(page):
    """What the last request looked at."""
    address = page.run(
        "performance.getEntriesByType('resource').map((e) => e.name)"
        ".filter((n) => n.includes('predict')).at(-1)"
    )
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)
    return json.loads(query["boxes"][0])


def test_two_models_are_compared_at_the_same_place(opened):
    opened.run(
        "(s => { s.value = 'two'; s.dispatchEvent(new Event('change')); })"
        "(document.getElementById('second'))"
    )
    opened.wait("document.querySelector('#second-title').innerText === 'two'")
    assert opened.text("#first-title") == "one"
    assert opened.run("document.getElementById('second-pose').clientWidth") > 99
    assert last_boxes(opened) == [[80, 100, 210]]


def test_the_result_is_downloaded(opened):
    opened.run(
        "window.saved = []; URL.createObjectURL = (b) => { saved.push(b); "
        "return '#'; }; HTMLAnchorElement.prototype.click = () => {}; null"
    )
    opened.click("#data")
    opened.click("#picture")
    opened.wait("window.saved.length === 2")
    content = json.loads(opened.run("window.saved[0].text()"))
    (model,) = content["models"]
    truth = StandingModel().predict(None)
    np.testing.assert_allclose(model["people"][0]["pose"], truth["pose"][0])
    assert len(content["joints"]) == 17
    start = opened.run(
        "window.saved[1].arrayBuffer().then((b) => [...new Uint8Array(b)]"
        ".slice(0, 8))"
    )
    assert bytes(start) == b"\x89PNG\r\n\x1a\n"


def test_no_camera_is_one_sentence(page, url):
    page.go(url)
    page.wait("document.body.dataset.ready")
    page.click("#camera")
    page.wait("document.querySelector('#said').className === 'wrong'")
    assert page.text("#said") == "There is no camera here."


def png(width, height):
    """A PNG that says it is that large, and holds next to nothing."""

    def chunk(kind, data):
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty file: your picture"),
        (b"no picture at all", "Not a picture, or of a kind that is not read"),
        (jpeg(80, 60)[:1500], "truncated or damaged: your picture"),
        (png(20_000, 10_000), "picture is too large: your picture"),
        (png(8_000, 6_000), "8000 x 6000 pixels, more than the limit"),
    ],
    ids=["empty", "text", "cut off", "200 megapixels", "48"],
)
def test_a_bad_picture_is_one_sentence(page, url, tmp_path, data, says):
    code, text = fetch(f"{url}api/predict?model=one", data, BINARY)
    assert code == 400 and says in json.loads(text)["error"]
    assert "/tmp" not in text and "\n" not in text
    page.go(url)
    page.wait("document.body.dataset.ready")
    (tmp_path / "bad.jpg").write_bytes(data)
    page.choose_file("#file", tmp_path / "bad.jpg")
    page.wait("document.querySelector('#said').className === 'wrong'")
    assert says in page.text("#said")
    page.complaints.clear()  # The console notes the refusal.


@pytest.mark.parametrize(
    ("query", "content", "status", "says"),
    [
        ("model=three", jpeg(9, 9), 400, "no model 'three'"),
        ("", jpeg(9, 9), 400, "no model"),
        ("model=one&boxes=%5B", jpeg(9, 9), 400, "not JSON"),
        ("model=one", b"x" * 300_001, 413, "more than 0.286 MB"),
    ],
)
def test_bad_requests_are_one_sentence(url, query, content, status, says):
    code, text = fetch(f"{url}api/predict?{query}", content, BINARY)
    assert code == status and says in json.loads(text)["error"]


def test_other_sites_cannot_ask_for_us(url):
    code, text = fetch(f"{url}api/predict?model=one", jpeg(9, 9), "text/plain")
    assert code == 400 and "content type" in text


def test_on_a_phone_everything_is_in_reach(page, url, drawn_pictures):
    page.resize(390, 844, phone=True)
    page.go(url)
    page.wait("document.body.dataset.ready")
    page.choose_file("#file", drawn_pictures / "p1.png")
    page.wait("document.body.dataset.people === '1'")
    assert page.run("document.documentElement.scrollWidth") <= 390
    for selector in ("#photo", "#first-pose", "#camera", "#data"):
        x, y, width, height = corner(page, selector)
        assert width > 30 and height > 30
        assert x >= 0 and x + width <= 391 and y + height <= 845
