"""TF-Serving's models.config, and which versions it chooses."""

import pathlib

import pytest

from ordinal_tf.serving import config


def read(tmp_path, text):
    path = tmp_path / "models.config"
    path.write_text(text)
    return config.read(path)


def test_a_whole_file(tmp_path):
    found = read(
        tmp_path,
        """
        model_config_list {
          config {
            name: "a" base_path: "/models/a" model_platform: "tensorflow"
            model_version_policy { specific { versions: 2 versions: 5 } }
            version_labels { key: "stable" value: 2 }
            version_labels { key: "canary" value: 5 }
          }
          config {
            name: "b" base_path: "/models/b"
            model_version_policy { latest { num_versions: 3 } }
          }
          config {
            name: "c" base_path: "/models/c"
            model_version_policy { all {} }
          }
          config { name: "d" base_path: "/models/d" }
        }
        """,
    )
    assert [model.name for model in found] == ["a", "b", "c", "d"]
    assert found[0].folder == pathlib.Path("/models/a")
    assert found[0].labels == {"stable": 2, "canary": 5}
    on_disk = [1, 2, 3, 4]
    chosen = [model.choose(on_disk) for model in found]
    assert chosen == [[2], [2, 3, 4], [1, 2, 3, 4], [4]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "lists no model"),
        ("nonsense {", "not a TF-Serving models.config"),
        ("model_config_list { config { name: 'a' } }", "a base_path"),
        (
            "model_config_list { config { name: 'a' base_path: '/a' "
            "model_platform: 'pytorch' } }",
            "must be 'tensorflow'",
        ),
        (
            "model_config_list { config { name: 'a' base_path: '/a' } "
            "config { name: 'a' base_path: '/b' } }",
            "two models called 'a'",
        ),
    ],
)
def test_files_that_are_wrong(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, text)
