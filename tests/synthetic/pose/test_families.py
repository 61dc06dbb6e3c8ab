from ordinal_tf.synthetic.pose import families, limits


def test_tables_use_known_names():
    known = {*limits.LIMITS_DEG, "lean", "tilt"}
    known |= {f"{own}_{name}" for own in ("near", "far") for name in known}
    other = {"on", "hang", "facing", "arms", "share"}
    for ways in families.FAMILIES.values():
        for way in ways:
            assert set(way) <= known | other
            assert set(way.get("arms", ())) <= set(families.ARMS)
    for style in families.ARMS.values():
        assert set(style) <= known
    assert set(families.REST) <= known
    assert set(families.SHARES) == set(families.FAMILIES)
    assert set(families.AIRBORNE) <= set(families.FAMILIES)
