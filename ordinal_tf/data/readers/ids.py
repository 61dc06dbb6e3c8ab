"""Ids as programs write them: 1, 1.0, "1" are one and the same."""


def by_value(value):
    """An id: int where it is a whole number, however written, str, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        value = value.strip()
        whole = value.removesuffix(".0")
        return int(whole) if whole.isdecimal() else value or None
    return value if isinstance(value, int) else None
