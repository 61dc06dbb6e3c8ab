"""The program of the page to look with."""

import re
import signal

import pytest

from tests import programs
from tests.web.conftest import fetch


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--model=nosuch"], "No shipped model is called 'nosuch'"),
        (["--model=lite", "--model=saved_models/lite"], "both be called lite"),
    ],
)
def test_bad_flags_are_one_sentence(run_tool, flags, says):
    code, _, err = run_tool("web", *flags)
    assert code == 1 and says in err and err.startswith("web: ")


@pytest.mark.slow  # Another process imports TensorFlow and loads the model.
def test_the_shipped_model_is_behind_the_page(checkout):
    with programs.started(checkout, "web", "--port=0") as process:
        line = process.stdout.readline()
        url = re.search(r"http://\S+/", line).group()
        data = (checkout / "demo" / "photos" / "000018.jpg").read_bytes()
        code, text = fetch(
            f"{url}api/predict?model=lite", data, "application/octet-stream"
        )
        assert code == 200 and '"pose"' in text
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
