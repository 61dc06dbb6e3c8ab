"""Directions and rotations of three axes, in plain float64 arrays.

Single ones, not batches: a pose needs hundreds of them, and for three
numbers NumPy's general functions cost ten times these.
"""

import math

import cv2
import numpy as np


def length(vector):
    """Euclidean length, a float."""
    return math.sqrt(vector @ vector)


def unit(vector):
    """The vector at length 1."""
    return vector / math.sqrt(vector @ vector)


def cross(first, second):
    """`np.cross` of two vectors."""
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


def angle(first, second):
    """Radians between two vectors, exact for small angles too."""
    return math.atan2(length(cross(first, second)), first @ second)


def across(vector, axis):
    """The unit part of a vector at right angles to a unit axis.

    Where there is none, some direction at right angles.
    """
    part = vector - (vector @ axis) * axis
    if part @ part < 1e-12 * max(vector @ vector, 1e-12):
        part = np.eye(3)[np.argmin(np.abs(axis))]
        part = part - (part @ axis) * axis
    return unit(part)


def frame(axis, side):
    """Rotation with columns: `side` made square, the unit axis, the third."""
    x = across(side, axis)
    return np.stack([x, axis, cross(x, axis)], axis=1)


def turn(axis, amount):
    """Rotation about a unit axis by so many radians."""
    return cv2.Rodrigues(axis * amount)[0]


def radians(rotation):
    """Angle of a rotation, 0 to pi."""
    return length(cv2.Rodrigues(rotation)[0][:, 0])


def between(first, last, share):
    """From one rotation part of the shortest way to another."""
    way = cv2.Rodrigues(last @ first.T)[0]
    return cv2.Rodrigues(way * share)[0] @ first


def within(first, last, limit):
    """The last rotation, pulled to at most `limit` radians off the first."""
    apart = radians(last @ first.T)
    return last if apart <= limit else between(first, last, limit / apart)


def swing(start, end):
    """The shortest rotation from one unit vector to another."""
    axis = cross(start, end)
    sine = length(axis)
    if sine < 1e-9:
        if start @ end > 0:
            return np.eye(3)
        return turn(across(np.ones(3), start), math.pi)
    return turn(axis / sine, math.atan2(sine, start @ end))


def clip(value, low, high):
    """`np.clip` of one number."""
    return min(max(value, low), high)


def ramp(value, limits):
    """0 below the first limit, 1 above the second, smooth between."""
    share = clip((value - limits[0]) / (limits[1] - limits[0]), 0.0, 1.0)
    return share * share * (3 - 2 * share)
