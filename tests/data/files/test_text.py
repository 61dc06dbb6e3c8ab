"""Text as other programs encode it."""

import codecs

import pytest

from ordinal_tf.data.files import text


@pytest.mark.parametrize(
    "data",
    [
        b"a\xc3\xa9\nb",
        b"\xef\xbb\xbfa\xc3\xa9\r\nb",
        codecs.BOM_UTF16_LE + "aé\r\nb".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "aé\rb".encode("utf-16-be"),
    ],
)
def test_marks_and_line_ends(tmp_path, data):
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert text.read_text(path) == "aé\nb"


def test_other_encodings(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\xe9")
    assert text.read_text(path, encoding="latin1") == "aé"
    with pytest.raises(ValueError, match="a.txt is not UTF-8 text"):
        text.read_text(path)
    with pytest.raises(OSError):
        text.read_text(tmp_path / "b.txt")


@pytest.mark.parametrize("data", [b"", b"{", b"\x00", b"[" * 100_000, b"\xff"])
def test_no_json(tmp_path, data):
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="a.json is not valid JSON"):
        text.read_json(path)
    path.write_bytes(b'\xef\xbb\xbf{"a": [1, NaN]}')
    assert text.read_json(path)["a"][0] == 1
