"""Fixtures that tests of synthetic people share."""

import pytest

from ordinal_tf.synthetic.body import model


@pytest.fixture(scope="session")
def body():
    """The packaged `model.Body`."""
    return model.load_body()
