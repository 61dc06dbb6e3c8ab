"""MPII Human Pose in its own release: 2D joints of well separated people.

The annotations are one MATLAB struct, `RELEASE`:

    annolist(i).image.name              file name below images/
    annolist(i).annorect(r)             one person
        .scale                          height / 200 px
        .objpos.x, .y                   rough centre
        .x1, .y1, .x2, .y2              box around the head
        .annopoints.point(k).x, .y, .id, .is_visible
    img_train(i)                        1: training, 0: test (no joints)
    single_person(i)                    the r of people apart from others

Joint ids are places in `skeleton.MPII16`; pixels count from 1.

Source: "Annotation description", human-pose.mpi-inf.mpg.de/#download. The box
is the hourglass authors' (pose-hg-train): its centre 15 * scale lower, which
keeps the feet, its side 1.25 times 200 * scale.
"""

import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import matlab
from ordinal_tf.data.readers import labels, plausible

_FILE = "mpii_human_pose_v1_u12_1.mat"
_CENTRE_DOWN, _ENLARGE = 15.0, 1.25
_HEAD_SHARE = 0.6  # SC_BIAS of the benchmark's own evalMPII.


def read_mpii(source, *, split="train", skip_limit=10, report=print):
    """Reads the release's training people.

    Args:
        source: path of a folder with `images/` and the annotation file, which
            may lie in a folder inside; or of the annotation file, with
            `images/` beside it or beside its folder.
        split: "train"; joints of the test pictures are not published.
        skip_limit, report: see `labels.BadRecords`.

    Returns:
        `labels.LabelledPhotos`, 2D only. Hidden joints are annotated, too.

    Raises:
        ValueError: see `readers`.
    """
    return read_with_heads(
        source, split=split, skip_limit=skip_limit, report=report
    )[0]


def read_with_heads(source, *, split="train", skip_limit=10, report=print):
    """`read_mpii`, and the head sizes that PCKh takes shares of.

    Args:
        source, split, skip_limit, report: see `read_mpii`.

    Returns:
        `labels.LabelledPhotos`; and `(N,)` float64 pixels, 0.6 of the diagonal
        of the head's box, NaN where there is no box.

    Raises:
        ValueError: see `readers`.
    """
    if split != "train":
        raise ValueError(
            f"MPII's release has joints for `split` 'train' only. Received: "
            f"{split!r}."
        )
    path, images = _find(pathlib.Path(source))
    release = matlab.read_variables(path, ["RELEASE"], structs=True)["RELEASE"]
    bad = labels.BadRecords(str(path), skip_limit, report)
    people = []
    for number, annotation, rows in _training_images(path, release, bad):
        try:
            picture = images / _file_name(annotation)
            rects = _structs(getattr(annotation, "annorect", None))
            chosen = [_rect(rects, row) for row in rows]
            if rows and not picture.is_file():
                raise ValueError(f"there is no picture {picture}.")
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            bad.skip(f"annolist({number}) of {path}: {error}")
            continue
        bad.leave_out("people too near to others", len(rects) - len(set(rows)))
        for rect in chosen:
            if not _points(rect):
                bad.leave_out("people without joints")
                continue
            try:
                people.append((str(picture), *_person(rect), _head(rect)))
            except (ValueError, TypeError, AttributeError) as error:
                bad.skip(f"annolist({number}) of {path}: {error}")
    bad.finish(people)
    paths, boxes, points, known, heads = zip(*people, strict=True)
    to_ours = skeleton.mapping(skeleton.MPII16, skeleton.H36M17)
    keypoints, mask = to_ours.points(np.stack(points), np.stack(known))
    people = labels.labelled(
        "mpii",
        paths,
        np.stack(boxes),
        keypoints=keypoints,
        keypoint_mask=mask,
        source=skeleton.MPII16,
        left_out=bad.left_out,
    )
    return people, np.array(heads)


def _find(source):
    """The annotation file and the folder of the pictures."""
    if source.is_file():
        path, folders = source, [source.parent, source.parent.parent]
    else:
        found = sorted(source.rglob(_FILE)) if source.is_dir() else []
        if not found:
            raise ValueError(
                f"{source} holds no {_FILE}; it is in the annotation archive "
                "of human-pose.mpi-inf.mpg.de."
            )
        path, folders = found[0], [source, *found[0].parents[:2]]
    for folder in folders:
        if (folder / "images").is_dir():
            return path, folder / "images"
    raise ValueError(f"{folders[0] / 'images'} is missing: MPII's pictures.")


def _training_images(path, release, bad):
    """`(number from 1, annotation, rows from 1)` of each training picture."""
    train = getattr(release, "img_train", None)
    try:
        annotations = _structs(getattr(release, "annolist", None))
    except ValueError as error:
        raise ValueError(f"{path}: `RELEASE.annolist`: {error}") from error
    single = getattr(release, "single_person", None)
    count = len(annotations)
    train = [] if train is None else np.atleast_1d(train)
    # A cell array of one is its content here.
    cells = [single] if count == 1 else list(np.atleast_1d(single))
    if not count or len(train) != count or len(cells) != count:
        raise ValueError(
            f"{path}: `RELEASE` must have annolist, img_train and "
            f"single_person, one entry a picture. Found: {count}, "
            f"{len(train)} and {0 if single is None else len(cells)} entries."
        )
    for k, annotation in enumerate(annotations):
        if train[k] != 1:
            bad.leave_out("pictures of the test set")
        else:
            yield k + 1, annotation, _rows(path, k + 1, cells[k])


def _rows(path, number, cell):
    rows = np.atleast_1d(cell).ravel()
    if rows.size and rows.dtype.kind not in "iuf":
        raise ValueError(f"{path}: single_person({number}) must be numbers.")
    return [int(row) for row in rows if np.isfinite(row)]


def _structs(value):
    """A struct array of any length as a list."""
    if value is None:
        return []
    found = list(np.atleast_1d(value).ravel())
    if not all(hasattr(item, "_fieldnames") for item in found):
        raise ValueError("a struct array holds something else.")
    return found


def _file_name(annotation):
    name = getattr(getattr(annotation, "image", None), "name", None)
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise ValueError("it has no image.name.")
    return name


def _rect(rects, row):
    if not 1 <= row <= len(rects):
        raise ValueError(
            f"single_person names person {row} of {len(rects)} in annorect."
        )
    return rects[row - 1]


def _points(rect):
    """Entries of `annopoints.point`; none where a person has no joints."""
    annopoints = _structs(getattr(rect, "annopoints", None))
    return _structs(getattr(annopoints[0], "point", None)) if annopoints else []


def _person(rect):
    """Box `(3,)`, points `(16, 2)` and which are known, pixels from 0."""
    scale = _scalar(rect, "scale")
    places = _structs(getattr(rect, "objpos", None))
    if len(places) != 1 or not 0.01 < scale < 1000:
        raise ValueError("a person has no `objpos`, or no positive `scale`.")
    x, y = _scalar(places[0], "x") - 1, _scalar(places[0], "y") - 1
    box = np.array([x, y + _CENTRE_DOWN * scale, 200 * _ENLARGE * scale])
    points = np.zeros((len(skeleton.MPII16), 2))
    known = np.zeros(len(points), bool)
    for point in _points(rect):
        joint = _scalar(point, "id")
        if joint not in range(len(points)) or known[int(joint)]:
            raise ValueError(
                f"joint ids must be 0 to 15, each once. Found: {joint:g}."
            )
        points[int(joint)] = _scalar(point, "x") - 1, _scalar(point, "y") - 1
        known[int(joint)] = True
    (fault,) = plausible.box_faults(box[None], points[None], known[None])
    if fault:
        raise ValueError(fault)
    return box, points, known


def _head(rect):
    """The head's size in pixels, NaN where its box is none."""
    try:
        x1, y1, x2, y2 = (_scalar(rect, k) for k in ("x1", "y1", "x2", "y2"))
    except ValueError:
        return np.nan
    size = _HEAD_SHARE * np.hypot(x2 - x1, y2 - y1)
    return size if size > 0 else np.nan


def _scalar(struct, name):
    value = np.asarray(getattr(struct, name, None))
    if value.size != 1 or value.dtype.kind not in "iuf":
        raise ValueError(f"`{name}` must be one number.")
    number = float(value.ravel()[0])
    if not np.isfinite(number) or abs(number) > 1e5:
        raise ValueError(f"`{name}` is {number}.")
    return number
