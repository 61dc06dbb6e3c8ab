import numpy as np

from ordinal_tf.data.mocap import motion
from ordinal_tf.synthetic.pose import poses


def test_the_farthest_poses_are_chosen(import_tool):
    tool = import_tool("dev.build_poses")
    # Three clusters around three poses that differ: one of each is chosen.
    centres = tool.facing_forward(poses.shipped_poses()[:3].astype(float))
    rng = np.random.default_rng(0)
    turns = motion.rotation("Y", rng.uniform(-3, 3, 30))
    crowd = np.repeat(centres, 10, axis=0) @ np.swapaxes(turns, 1, 2)
    chosen = tool.choose(crowd, 3)
    gaps = np.linalg.norm(chosen[:, None] - centres[None], axis=(2, 3))
    assert sorted(gaps.argmin(1)) == [0, 1, 2]
    np.testing.assert_allclose(gaps.min(1), 0, atol=1e-6)


def test_the_program(tmp_path, run_tool):
    source, out = tmp_path / "some.npz", tmp_path / "chosen.npz"
    np.savez(source, poses=poses.shipped_poses()[:40])
    code, printed, error = run_tool(
        "dev.build_poses", f"--poses={source}", f"--out={out}", "--count=12"
    )
    assert code == 0, error
    with np.load(out, allow_pickle=False) as file:
        assert file["poses"].shape == (12, 17, 3)
    assert "12 poses" in printed
