"""`/local`: the page whose model runs in the browser, with the model that comes along."""

import os

from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from zoo.export.web.site import PAGE, ready_files
from zoo.serve.http.guard import POLICY

#: WebAssembly may be compiled here alone; and only where nothing else could look into the page's
#: memory do browsers let it use several threads.
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": f"{POLICY}; script-src 'self' 'wasm-unsafe-eval'",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class LocalFiles(StaticFiles):
    """The files of the page, which lie in several folders."""

    def __init__(self) -> None:
        super().__init__(directory=PAGE)
        self._files = ready_files()

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """A file by its name in the page's folder, as `StaticFiles` wants it."""
        file = self._files.get("index.html" if path == os.curdir else path)
        return ("", None) if file is None else (str(file), file.stat())

    async def get_response(self, path: str, scope: dict) -> Response:  # type: ignore[override]
        response = await super().get_response(path, scope)
        response.headers.update(_HEADERS)
        return response
