"""The annotator's page, used as a person does."""

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.annotation import sorting
from tests.web.conftest import StandingModel

TO_JOINTS = skeleton.mapping(skeleton.H36M17, sorting.JOINTS)


def begin(page, url, name="anna"):
    """Opens the page, says who one is, and waits for the first task."""
    page.go(url)
    page.wait("document.querySelector('dialog[open]')")
    page.run("document.getElementById('who').value = ''")
    page.type(name)
    page.press("Enter")
    page.wait("document.body.dataset.kind")


def idle(page):
    """Waits until no request is under way."""
    page.wait("!document.getElementById('undo').disabled")


def some_joints():
    """Of the standing figure, 14 lists x, y, v."""
    points, _ = TO_JOINTS.points(
        StandingModel().predict(None)["keypoints"][0], np.ones(17, bool)
    )
    return [[x, y, 2] for x, y in points.tolist()]


def fitted(page):
    """How a whole picture of `SIZE` lies on the screen.

    Returns:
        `(2,)` where its middle is, and pixels of the screen a pixel: it is
        fitted in with a margin of 12.
    """
    width, height, left, top = page.run(
        "(({width, height, x, y}) => [width, height, x, y])"
        "(document.getElementById('sheet').getBoundingClientRect())"
    )
    scale = min((width - 24) / 160, (height - 24) / 200)
    return np.array([left + width / 2, top + height / 2]), scale


def on_screen(page, point):
    """Where a point of a whole picture is, as a list x, y."""
    middle, scale = fitted(page)
    return (middle + (np.array(point) + 0.5 - [80, 100]) * scale).tolist()
