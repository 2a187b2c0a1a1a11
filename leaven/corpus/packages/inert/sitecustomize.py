"""Whatever build backend an archive names, the inert one answers in its place.

pip asks a source archive's build backend for the archive's name and version, which is code of the package. It does so
in a fresh interpreter and names the backend in variables of the environment (`_PYPROJECT_HOOKS_…`; `PEP517_…` before
pip 24.3); this file is imported before anything else there.
"""

import os

for prefix in ("_PYPROJECT_HOOKS", "PEP517"):
    if f"{prefix}_BUILD_BACKEND" in os.environ:
        os.environ[f"{prefix}_BUILD_BACKEND"] = "leaven_inert_backend"
        for name in [name for name in os.environ if name.startswith(f"{prefix}_BACKEND_PATH")]:
            del os.environ[name]
