"""Static files with their content's hash in the name, also where one of our scripts imports another."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.staticfiles.storage import ManifestFilesMixin
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

_, IMPORTS = ManifestFilesMixin._js_module_import_aggregation_patterns  # type: ignore[attr-defined]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Rewrites the imports of ES modules, so that a browser may keep every file for ever.

    Django's own switch for it would read the scripts of all packages; some of them look as if they imported files.
    """

    patterns: ClassVar = (*ManifestFilesMixin.patterns, ("js/*.js", IMPORTS))


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves them: what has a hash in its name may be kept for a year, the longest that caches promise to heed."""

    FOREVER = 365 * 24 * 60 * 60
