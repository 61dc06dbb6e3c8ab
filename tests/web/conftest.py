"""Pages served in a thread, pictures to show, and a model that is none."""

import contextlib
import json
import os
import shutil
import threading
import urllib.error
import urllib.request

import cv2
import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.annotation import journal, project
from ordinal_tf.web import annotate, pages
from tests import browser, lsp_files

SIZE = 200, 160


@contextlib.contextmanager
def serving(app, port=0):
    """Serves an application in a thread; yields its address."""
    with pages.listen("127.0.0.1", port) as sock:
        server = pages.make_server(app)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [sock]}, daemon=True
        )
        thread.start()
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}/"
        finally:
            server.should_exit = True
            thread.join(30)


def fetch(url, content=None, kind="application/json", **headers):
    """Status and text of a reply; `content` (a dict or bytes) is posted."""
    data = content
    if isinstance(content, dict):
        data = json.dumps(content).encode()
    if data is not None:
        headers = {"Content-Type": kind, **headers}
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


class StandingModel:
    """A `Predictor` that sees the standing figure everywhere.

    The joints' depths are 100 mm apart in the order of `skeleton.H36M17`.
    """

    def __init__(self, shift=0.0):
        self.shift = shift

    def predict(self, photo, boxes=None):
        joints = skeleton.H36M17.joints
        known = [j if j != "spine" else "pelvis" for j in joints]
        known = [j if j != "nose" else "upper_neck" for j in known]
        points = lsp_files.standing(known) * [100, 180] + [20 + self.shift, 5]
        pose = np.zeros((17, 3), np.float32)
        pose[:, :2] = (points - points[0]) * 9
        pose[:, 2] = 100.5 * np.arange(17)
        box = np.array([[80, 100, 210]] if boxes is None else boxes)
        person = {
            "keypoints": points,
            "ordinal_depth": pose[:, 2] / 1000,
            "pose": pose,
            "score": np.linspace(1, 0.2, 17),
        }
        rows = {
            name: np.repeat(value[None].astype(np.float32), len(box), axis=0)
            for name, value in person.items()
        }
        return {"box": box, **rows}


@pytest.fixture
def drawn_pictures(tmp_path):
    """A folder of 10 pictures of `SIZE`, a drawn figure in each."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(10):
        points = lsp_files.standing(skeleton.LSP14.joints) * [100, 180]
        image = lsp_files.draw(points + [20, 5], SIZE, seed=number)
        lsp_files.write_picture(folder / f"p{number}.png", image)
    return folder


@pytest.fixture
def folder(drawn_pictures, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(drawn_pictures, out / "images")
    return out


@pytest.fixture
def opened(folder):
    """`opened()` is (url, project) of a server like one just started."""
    ends = []

    def start(names=None, predictor=None, port=0, **options):
        names = names or sorted(os.listdir(folder / "images"))
        kept = journal.Journal(folder / "answers.jsonl")
        told = project.Project(names, kept, **options)
        app = annotate.make_app(
            told, folder, predictor=predictor, host="127.0.0.1"
        )
        server = serving(app, port)
        url = server.__enter__()

        def end():
            server.__exit__(None, None, None)
            kept.close()

        ends.append(end)
        start.end = lambda: ends.pop()()
        return url, told

    yield start
    for end in ends:
        end()


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser") / "profile"
    folder.mkdir()
    with browser.open_browser(folder) as page:
        yield page


@pytest.fixture
def page(shared_browser):
    """The browser's page, which must not have complained in the end."""
    shared_browser.resize(1280, 800)
    shared_browser.complaints.clear()
    yield shared_browser
    complaints = list(shared_browser.complaints)
    shared_browser.go("about:blank")
    assert not complaints


def jpeg(height, width):
    """Bytes of a JPEG of noise."""
    noise = np.random.default_rng(0).integers(0, 255, (height, width, 3))
    return cv2.imencode(".jpg", noise.astype(np.uint8))[1].tobytes()
