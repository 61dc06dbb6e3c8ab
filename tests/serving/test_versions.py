"""Versions found, loaded, swapped and let go; half-copied ones wait."""

import asyncio
import os
import shutil
import time

import grpc
import pytest

from ordinal_tf.serving import config, errors, versions
from tests.serving import tiny


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


def run(coroutine_function, served):
    """Runs a test of a `Versions`, and closes it."""

    async def main():
        model = versions.Versions(served)
        try:
            await coroutine_function(model)
        finally:
            await model.close()

    asyncio.run(main())


def states(model):
    return {version.number: version.state.name for version in model.all}


async def settled(model):
    """Polls once, and waits until what goes has gone."""
    await model.poll()
    while "UNLOADING" in states(model).values():
        await asyncio.sleep(0.01)


def test_newest_wins_and_deleting_it_rolls_back(exported, folder):
    async def check(model):
        await settled(model)
        assert states(model) == {}
        with pytest.raises(errors.ServingError) as caught, model.use():
            pass
        assert caught.value.code == grpc.StatusCode.NOT_FOUND
        for number in (1, 2):
            tiny.publish(exported, folder, number)
            await settled(model)
            assert model.available == [number]
        with model.use() as version:
            assert version.number == 2
        assert states(model) == {2: "AVAILABLE", 1: "END"}
        shutil.rmtree(folder / "2")
        await settled(model)
        assert states(model) == {2: "END", 1: "AVAILABLE"}
        # The last one stays, as with TF-Serving.
        shutil.rmtree(folder / "1")
        await settled(model)
        assert model.available == [1]

    run(check, config.Served("m", folder))


def test_several_by_policy_and_label(exported, folder):
    for number in (1, 2, 3):
        tiny.publish(exported, folder, number)

    async def check(model):
        await settled(model)
        assert model.available == [2, 3]
        with model.use(2) as version, model.use(label="canary") as canary:
            assert (version.number, canary.number) == (2, 3)
        model.served = config.Served("m", folder, versions=(1,))
        await settled(model)
        assert model.available == [1]
        for wrong in ({"number": 3}, {"label": "canary"}):
            with pytest.raises(errors.ServingError), model.use(**wrong):
                pass

    served = config.Served("m", folder, latest=2, labels={"canary": 3})
    run(check, served)


def test_a_version_in_use_is_not_freed(exported, folder):
    tiny.publish(exported, folder, 1)

    async def check(model):
        await model.poll()
        with model.use() as old:
            tiny.publish(exported, folder, 2)
            await model.poll()
            await asyncio.sleep(0.05)
            assert states(model) == {2: "AVAILABLE", 1: "UNLOADING"}
            found = old.model.run("serving_default", {"image": tiny.crop(5)})
            assert found["keypoints"][0, 0, 0] == 5
            # New requests already go to the new one.
            with model.use() as new:
                assert new.number == 2
        while states(model)[1] == "UNLOADING":
            await asyncio.sleep(0.01)
        assert old.model is None

    run(check, config.Served("m", folder))


def test_a_folder_being_copied_waits(exported, folder):
    tiny.publish(exported, folder, 1)
    source = exported / "saved_model.pb"
    half = folder / "2"

    async def check(model):
        await model.poll()
        # Grows between two looks: not tried at all.
        half.mkdir()
        for size in (10, 1000):
            (half / "saved_model.pb").write_bytes(source.read_bytes()[:size])
            await model.poll()
            assert states(model) == {2: "START", 1: "AVAILABLE"}
        # The copy stalls: tried, refused, and the old version stays.
        await model.poll()
        assert states(model) == {2: "END", 1: "AVAILABLE"}
        assert "cannot be loaded" in model.all[0].error
        failed = model.all[0]
        await model.poll()
        assert model.all[0] is failed  # Not tried again for nothing.
        # The copy ends.
        shutil.rmtree(half)
        shutil.copytree(exported, half)
        for _ in range(2):
            await settled(model)
        assert states(model) == {2: "AVAILABLE", 1: "END"}
        assert model.all[0].error == ""

    run(check, config.Served("m", folder))


def test_scan(exported, folder):
    tiny.publish(exported, folder, 7)
    (folder / "007x").mkdir()
    (folder / "new_8").mkdir()
    (folder / "9").write_text("a file")
    (folder / ("1" * 30)).mkdir()
    os.symlink(folder / "7", folder / "10")
    found = versions.scan(folder)
    assert sorted(found) == [7, 10]
    assert found[7].files == found[10].files
    assert found[7].newest == pytest.approx(1e9)
    (folder / "7" / "more").write_text("x")
    again = versions.scan(folder)[7]
    assert again != found[7]
    assert abs(again.newest - time.time()) < 60
    assert versions.scan(folder / "none") == {}
