"""Coloring on a Ray cluster: the files of a local run, whatever happens to workers."""

import os
import pickle
import sys
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import dying_workers
import numpy as np
import pytest
from films import make_film, moving
from PIL import Image

from zoo import conformance, create_model
from zoo.cli import main
from zoo.errors import ZooError
from zoo.executors import Answer
from zoo.inference import cluster
from zoo.inference.cluster import Coloring, on_cluster
from zoo.inference.films import plan
from zoo.inference.films.coloring import color_shots, colorize_video
from zoo.inference.films.plan import FilmSettings
from zoo.inference.jobs import Job, Outcome
from zoo.photos.film import Film


def call(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["zoo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return ended.value.code or 0


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] != "."}


@pytest.fixture
def folder(tmp_path):
    """Nine photos of two sizes, and a file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(9):
        size = (40, 56, 3) if number % 3 else (56, 40, 3)
        rgb = np.random.default_rng(number).integers(0, 256, size, dtype=np.uint8)
        Image.fromarray(rgb).save(folder / f"{number}.png")
    (folder / "4a.png").write_text("no photo")
    return folder


def test_a_cluster_that_loses_a_worker_makes_the_files_of_a_local_run(
    folder, tmp_path, monkeypatch, capsys
):
    ray = pytest.importorskip("ray", reason="Ray is not installed (extra ray)")
    init = ray.init
    monkeypatch.setattr(ray, "init", lambda **options: init(**options | {"num_cpus": 2}))
    monkeypatch.setattr(cluster, "_color_chunk", dying_workers.color_or_die)
    tests = Path(__file__).resolve().parents[1]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tests.parent), str(tests)]))
    monkeypatch.chdir(tmp_path)  # workers are elsewhere
    colorize = ["colorize", folder.name, "--model", "zhang", "-o", "render_factor=2"]
    here, there = tmp_path / "here", tmp_path / "there"
    assert call(*colorize, "--out", here) == 1
    told = capsys.readouterr()

    # Some of the work is done already.
    there.mkdir()
    (there / "0.png").write_bytes((here / "0.png").read_bytes())
    assert call(*colorize, "--out", there.name, "--executor", "ray") == 1
    assert files_of(there) == files_of(here)
    assert len(files_of(there)) == 9
    assert (there / ".killed").exists()
    told_there = capsys.readouterr()
    assert "Colored 8 photos" in told_there.out
    assert "Skipped 1 already there" in told_there.out
    assert told.err.splitlines()[-2:] == told_there.err.splitlines()[-2:]
    assert "4a.png: not an image" in told_there.err


def test_without_ray_the_extra_is_named(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    out = tmp_path / "out"
    assert call("colorize", folder, "--model", "zhang", "--out", out, "--executor", "ray") == 2
    assert "needs Ray" in capsys.readouterr().err


class Pretended:
    """A cluster without processes; a task whose first photo is one of `deadly` ends its worker."""

    workers = 2

    def __init__(self, deadly=()):
        self.deadly, self.sizes = deadly, []

    def run(self, function, tasks):
        for number, task in enumerate(tasks):
            self.sizes.append(len(task.jobs))
            if any(job.name in self.deadly for job in task.jobs):
                yield number, Answer(death="its worker died 4 times (segmentation fault).")
                continue
            try:
                yield number, Answer(pickle.loads(pickle.dumps(function))(task))
            except ZooError as error:
                yield number, Answer(error=error)


def outcome_of(jobs, **settings):
    """Fails for photos that are called so."""
    if any(job.name == "full" for job in jobs):
        raise ZooError("The disk is full; free some space.")
    assert all(job.source.is_absolute() and job.target.is_absolute() for job in jobs)
    failures = {job.name: "not an image" for job in jobs if job.name == "bad"}
    return Outcome(failures, reduced=len(jobs), fewer={jobs[0].name: settings["answers"]})


def recipe():
    return Coloring(outcome_of)


def jobs_of(*names):
    return [Job(Path(name), name, Path("out", name)) for name in names]


def test_what_becomes_of_chunks_is_joined(monkeypatch):
    names = [*"abcdefghijklmnopqrs", "bad"]
    pretended = Pretended(deadly=("c",))
    outcome = on_cluster(pretended, recipe, recipe()).photos(jobs_of(*names), answers=3)
    # Eight chunks or more, so that both workers end together; then the dead one's photos alone.
    assert pretended.sizes == [3] * 6 + [2] + [1] * 3
    assert outcome.failures == {
        "c": "its worker died 4 times (segmentation fault)",
        "bad": "not an image",
    }
    assert outcome.reduced == 19
    assert outcome.fewer == dict.fromkeys(["d", "g", "j", "m", "p", "s", "a", "b"], 3)


def test_large_folders_have_chunks_of_one_size():
    pretended = Pretended()
    names = [str(number) for number in range(1000)]
    on_cluster(pretended, recipe, recipe()).photos(jobs_of(*names), answers=2)
    assert pretended.sizes == [32] * 31 + [8]


def test_what_concerns_all_photos_ends_the_run():
    with pytest.raises(ZooError, match="disk is full"):
        on_cluster(Pretended(), recipe, recipe()).photos(jobs_of("a", "full", "b"), answers=2)


def frames_of(path):
    with Film(path) as film:
        return np.stack([film.rgb(frame) for frame in film.walk()])


class Shots(Pretended):
    """Workers of which the first one dies after a part of its task."""

    def run(self, function, tasks):
        function(replace(tasks[0], parts=tasks[0].parts[:1]))
        for number, task in enumerate(tasks):
            self.sizes.append(len(task.parts))
            yield number, Answer(function(pickle.loads(pickle.dumps(task))))


@lru_cache
def tiny():
    return conformance.shaken(create_model("zhang:tiny"))


def film_recipe():
    model = tiny()
    return Coloring(
        outcome_of,
        partial(colorize_video, model=model, render_factor=2),
        partial(color_shots, model=model, render_factor=2),
        model,
    )


def test_a_film_is_colored_by_shots_as_it_is_locally(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_LEAST_ELSEWHERE", 1)
    monkeypatch.setattr(plan, "LONGEST_PART", 6)
    lengths = (10, 6, 8)
    shots = [moving(count, seed=seed) for seed, count in enumerate(lengths)]
    film = tmp_path / "film.mkv"
    make_film(film, np.concatenate(shots))
    here, there = tmp_path / "here.mkv", tmp_path / "there.mkv"
    # Lossless, so that nothing hides a difference.
    settings = FilmSettings(codec="ffv1", look_ahead=2)
    colorize_video(film, here, tiny(), settings=settings, render_factor=2)
    pretended = Shots()
    made = on_cluster(pretended, film_recipe, film_recipe()).film(film, there, settings)
    assert pretended.sizes == [2, 2, 1]  # parts, those of the longest shot first
    assert (made.frames, made.shots) == (24, 3)
    np.testing.assert_array_equal(frames_of(there), frames_of(here))
    assert not list(tmp_path.glob(".*"))


def test_shots_are_grouped_and_not_divided(monkeypatch):
    monkeypatch.setattr(plan, "LONGEST_PART", 60)
    timeline = plan.Timeline(tuple(range(400)), (), False, 0)
    divided = plan.Plan(Path("film"), timeline, (0, 20, 50, 90, 290), 8)
    # Parts: 0-20, 20-50, 50-90 | 90-150, 150-210, 210-270, 270-290 | 290-350, 350-400.
    assert divided.together_elsewhere(range(9)) == [[0, 1, 2, 3, 4, 5, 6], [7, 8]]
    assert divided.together_elsewhere([0, 4, 5, 6, 8]) == [[0, 4, 5, 6], [8]]
    monkeypatch.setattr(plan, "_LEAST_ELSEWHERE", 50)
    assert divided.together_elsewhere(range(9)) == [[2, 3, 4, 5, 6], [7, 8], [0, 1]]
