"""The time of the page whose model runs in the browser."""

import shutil

import pytest

from benchmarks.speed import web
from zoo.errors import ZooError


def test_a_page_is_timed_beside_python(capsys, monkeypatch):
    if not any(map(shutil.which, web._BROWSERS)):
        pytest.skip("needs Chromium")
    pytest.importorskip("playwright.sync_api", reason="needs Playwright")
    found = []
    measured = web.measured
    monkeypatch.setattr(web, "measured", lambda folder: found.append(measured(folder, 1)) or "x")
    assert web.main([]) == 0
    assert capsys.readouterr().out == "x\n"
    ((start, (browser,), (python,)),) = [(one.start, one.browser, one.python) for one in found]
    assert min(start, browser, python) > 1
    assert f"ratio of {browser / python:.1f}" in str(found[0])


def test_without_a_browser_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ZooError, match="no Chromium here; install it"):
        web.measured(tmp_path)
