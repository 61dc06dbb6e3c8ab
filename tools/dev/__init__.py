"""Programs for those who work on the package: `python -m tools.dev.NAME`.

Each is found as `tools.NAME` too, and says `from . import _common` for that:
both packages have it.
"""

from .. import _common as _common
