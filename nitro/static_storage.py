"""Static files with their content's hash in the name, also where one script imports another."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Rewrites the imports of ES modules, so that a browser may keep every file for ever."""

    support_js_module_import_aggregation = True
