"""Writes the table of `predictions.npz` in formats of other programs.

The table has a row a person: `image` str, `box` `(M, 3)`, `keypoints`
`(M, 17, 2)`, `ordinal_depth` `(M, 17)`, `pose` `(M, 17, 3)` mm and `score`
`(M, 17)`; of videos `time` `(M)`; where people are followed `person` `(M)`;
where the camera is known `intrinsics` `(M, 4)` and `pose_camera`
`(M, 17, 3)` mm, NaN where it is not.
"""

import pathlib

from ordinal_tf.writers import bvh, csv_table, json_table, tracks, trc

_TABLES = {
    "json": json_table.write_json_table,
    "csv": csv_table.write_csv_table,
}
_TRACKS = {"bvh": bvh.write_bvh, "trc": trc.write_trc}
FORMATS = (*_TABLES, *_TRACKS)


def check(formats):
    """`ValueError` unless all are among `FORMATS`."""
    strange = [name for name in formats if name not in FORMATS]
    if strange:
        raise ValueError(
            f"There is no format {strange[0]!r}; predictions.npz is always "
            f"written, and beside it {', '.join(FORMATS)}."
        )


def write(folder, table, formats, stems):
    """Writes `predictions.json` and so on; BVH and TRC once a person.

    Returns a list of `pathlib.Path`, what was written.

    Args:
        folder: of the results; it exists.
        table: dict of arrays, see above.
        formats: names out of `FORMATS`.
        stems: dict of a picture's or video's name in `image` to the start of
            its files' names: `film` gives `film_person0.bvh`.
    """
    folder, written = pathlib.Path(folder), []
    for name, write_table in _TABLES.items():
        if name in formats:
            written.append(folder / f"predictions.{name}")
            write_table(written[-1], table)
    wanted = [name for name in _TRACKS if name in formats]
    for track in tracks.split(table) if wanted else ():
        for name in wanted:
            file = f"{stems[track.source]}_person{track.person}.{name}"
            written.append(folder / file)
            _TRACKS[name](written[-1], track)
    return written
