"""tools.evaluate --protocol, of predictions: no network is run here."""

import json

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import h36m
from ordinal_tf.evaluation import people
from tests import coco_files, lsp_files, prepared_files
from tests.data.readers import test_mpii


@pytest.fixture
def data(tmp_path):
    prepared_files.write_prepared(tmp_path / "people", count=12)
    return tmp_path / "people"


def write(path, data, noise_mm=30.0, rows=slice(None), **more):
    """Predictions near the truth of a prepared set."""
    someone = people.of_prepared(data)
    truth = someone.read(range(someone.count))
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, truth["pose"].shape) * noise_mm
    table = {
        "image": np.array(truth["name"]),
        "keypoints": truth["keypoints"] + noise[..., :2] / 30,
        "pose": truth["pose"] + noise,
    }
    table = {key: value[rows] for key, value in table.items()} | more
    np.savez(path, **{k: v for k, v in table.items() if v is not None})
    return path


def last(out):
    return json.loads(out.splitlines()[-1])


def test_a_file_by_a_protocol(run_tool, data, tmp_path):
    theirs = write(tmp_path / "theirs.npz", data)
    arguments = ("--protocol=synthetic", f"--data={data}")
    code, out, err = run_tool(
        "evaluate",
        *arguments,
        f"--predictions={theirs}",
        f"--out={tmp_path / 'out'}",
        "--replicates=50",
    )
    assert code == 0, err
    found = last(out)
    for key in ("pck", "ordinal_accuracy", "mpjpe_mm", "pa_mpjpe_mm"):
        assert found[key] > 0
    assert 0 < found["pck3d"] <= 100 and 0 < found["auc"] < 100
    assert found["people"] == found["units"] == 12
    low, high = found["intervals"]["mpjpe_mm"]
    assert low < found["mpjpe_mm"] < high
    kept = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert kept["mpjpe_mm"] == found["mpjpe_mm"] and "breakdown" in kept
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("report.html", "table.txt", "table.csv", "table.tex"),
        "metrics.json",
    }
    assert (tmp_path / "out" / "table.txt").read_text() in out
    page = (tmp_path / "out" / "report.html").read_text()
    # Of twelve people four a row.
    assert page.count("data:image/jpeg") == 12 and "theirs.npz" in page


@pytest.mark.parametrize("apart", [True, False])
def test_two_on_the_same_people(run_tool, data, tmp_path, apart):
    one = write(tmp_path / "one.npz", data)
    (tmp_path / "b").mkdir()
    file = tmp_path / ("other.npz" if apart else "b/one.npz")
    other = write(file, data, noise_mm=60.0)
    two = ["--compare", str(one), str(other)]
    if not apart:
        two = [f"--compare={one}", f"--compare={other}"]
    code, out, err = run_tool(
        "evaluate",
        "--protocol=ordinal",
        *two,
        f"--data={data}",
        "--replicates=50",
    )
    assert code == 0, err
    found = last(out)
    key = "ordinal_accuracy"
    difference = found["difference"][key]
    assert difference["value"] == found["a"][key] - found["b"][key] > 0
    assert difference["interval"][0] <= difference["value"]
    # Two of one name go by their paths.
    names = ("one.npz", "other.npz") if apart else (one, other)
    assert "{} minus {}, paired".format(*names) in out


def test_coco_of_a_file(run_tool, tmp_path):
    pytest.importorskip("pycocotools")
    content = coco_files.content(3)
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps(content))
    results = [
        {
            "image_id": one["image_id"],
            "category_id": 1,
            "keypoints": one["keypoints"],
            "score": 0.9,
        }
        for one in content["annotations"]
    ]
    theirs = tmp_path / "results.json"
    theirs.write_text(json.dumps(results))
    arguments = ("--protocol=coco", f"--source={labels}", "--replicates=5")
    code, out, err = run_tool(
        "evaluate",
        *arguments,
        f"--predictions={theirs}",
        f"--out={tmp_path / 'out'}",
    )
    assert code == 0, err
    assert last(out)["ap"] == 100 and "over 17 joints" in out
    assert "AP" in (tmp_path / "out" / "report.html").read_text()
    code, _, err = run_tool("evaluate", *arguments, "--model=lite")
    assert code == 1 and "A network needs pictures" in err


def test_some_pictures_and_the_lsp_layout(run_tool, tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=6)
    np.savez(
        tmp_path / "theirs.npz",
        image=np.array(["im00002.png", "im00005.png"]),
        keypoints=np.zeros((2, 17, 2)),
        ordinal_depth=np.zeros((2, 17)),
    )
    (tmp_path / "names.txt").write_text("im00005.png\nim00001.png\n")
    code, out, err = run_tool(
        "evaluate",
        "--protocol=lsp",
        f"--lsp={tmp_path / 'lsp'}",
        "--first=1",
        "--last=6",
        f"--predictions={tmp_path / 'theirs.npz'}",
        f"--names={tmp_path / 'names.txt'}",
        "--replicates=0",
    )
    assert code == 0, err
    found = last(out)
    assert found["people"] == 2 and found["unanswered"] == 1
    assert "nothing for 1 of 2 people: their joints count as wrong" in out
    assert "4 of 6 people are left out by the protocol and by --names" in out


def test_mpii_needs_its_release_and_human36m_no_pictures(run_tool, tmp_path):
    source = test_mpii.write(
        tmp_path / "mpii", test_mpii.release(*[[test_mpii.rect()]] * 3)
    )
    names = [f"{k:09}.jpg" for k in range(3)]
    points = np.tile(test_mpii.points() - 1, (3, 1, 1))
    # The diagonal of the head's box is 2.83 pixels: 0.3 of it is 0.85.
    points[0] += 0.5
    points[1] += 0.7
    np.savez(
        tmp_path / "theirs.npz",
        image=np.array(names),
        keypoints=points,
        joints=np.array(skeleton.MPII16.joints),
    )
    code, out, err = run_tool(
        "evaluate",
        "--protocol=mpii",
        f"--source={source}",
        f"--predictions={tmp_path / 'theirs.npz'}",
        "--replicates=0",
    )
    assert code == 0, err
    assert last(out)["pckh"] == pytest.approx(100 * 2 / 3)
    code, _, err = run_tool(
        "evaluate",
        "--protocol=h36m-p1",
        f"--source={source}",
        f"--predictions={tmp_path / 'theirs.npz'}",
    )
    assert code == 1 and "prepare the data set and name it with --data" in err


def test_human36m_of_the_authors(run_tool, shared_data, tmp_path):
    """Real labels of one clip; one of their 17 joints is 17 mm off."""
    source = shared_data / "h36m_sample"
    truth = h36m.read_annotations(source / "annot" / "valid.mat")
    pose = truth.poses.copy()
    pose[:, skeleton.H36M17.index("left_wrist"), 1] += 17.0
    np.savez(
        tmp_path / "theirs.npz",
        image=np.array([f"{name}.jpg" for name in truth.names]),
        pose=pose,
    )
    for name, key in (("h36m-p1", "mpjpe_mm"), ("h36m-p2", "pa_mpjpe_mm")):
        code, out, err = run_tool(
            "evaluate",
            f"--protocol={name}",
            f"--source={source}",
            f"--predictions={tmp_path / 'theirs.npz'}",
        )
        assert code == 0, err
        found = last(out)
        assert found["mpjpe_mm"] == pytest.approx(1.0, rel=1e-4)
        # Least squares spread it over all joints.
        assert 1 < found["pa_mpjpe_mm"] < 3
        assert list(found["groups"]) == ["Posing"]
        assert found["mean_of_groups"][key] == pytest.approx(found[key])
        assert "No intervals" in out  # Of one clip.


def test_missing_poses_are_refused_or_said(run_tool, data, tmp_path):
    some = write(tmp_path / "some.npz", data, rows=slice(0, 9))
    arguments = (
        "--protocol=synthetic",
        f"--data={data}",
        f"--predictions={some}",
        "--replicates=0",
    )
    code, _, err = run_tool("evaluate", *arguments)
    assert code == 1 and "some.npz has no whole pose for somebody in" in err
    assert "--allow_missing" in err and len(err.splitlines()) < 4
    code, out, err = run_tool("evaluate", *arguments, "--allow_missing")
    assert code == 0, err
    assert last(out)["unanswered"] == 3 and "left out of the errors" in out


def test_each_refusal_is_a_sentence(run_tool, data, tmp_path):
    theirs = f"--predictions={write(tmp_path / 'theirs.npz', data)}"
    joints = write(tmp_path / "few.npz", data, keypoints=np.zeros((12, 14, 2)))
    metres = write(
        tmp_path / "metres.npz", data, pose=np.ones((12, 17, 3)).cumsum(1) / 9
    )
    flat = write(tmp_path / "flat.npz", data, pose=None)
    of = ("--protocol=synthetic", f"--data={data}")
    for arguments, says in (
        (
            (*of, f"--predictions={joints}"),
            "few.npz: `keypoints` has 14 joints",
        ),
        ((*of, f"--predictions={metres}"), "metres.npz: half of its poses are"),
        ((*of, f"--predictions={flat}"), "which flat.npz does not give"),
        (("--protocol=lsp", theirs), "takes one of --data, --lsp and --source"),
        (("--protocol=h36m-p1", of[1], theirs), "actions|scores nobody"),
        (("--protocol=humaneva", of[1], theirs), "labelled as humaneva15"),
        (("--protocol=coco", of[1], theirs), "coco needs areas and crowds"),
        (("--protocol=lsp", "--source=x", theirs), "--source is for data sets"),
        ((*of, "--compare", "a.npz"), "--compare takes two"),
        ((*of, theirs, "--find"), "neither --find"),
        ((of[1], theirs), "--predictions goes with --protocol"),
        ((*of, "--model=nobody"), "No shipped model|nobody"),
    ):
        code, _, err = run_tool("evaluate", *arguments)
        words = says.split("|")
        assert code == 1 and any(word in err for word in words), (says, err)
