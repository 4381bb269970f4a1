"""Films: from the upload to the colored film, its progress, how it stops, and what is refused."""

import io
import struct
import tempfile
import threading
import time
import zipfile
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
from films import film_bytes, make_film, moving, read_film
from served import make_photo, opened, refused

import zoo
from zoo.inference.films import coloring, encoding
from zoo.inference.films import plan as planning
from zoo.serve import films
from zoo.serve.film_formats import film_format
from zoo.serve.settings import Limits
from zoo.serve.store import Photo, Store, StoredJob

H264 = {"codec": "libx264", "pixels": "yuv420p"}
MPEG2 = {"codec": "mpeg2video", "pixels": "yuv420p", "unit": Fraction(1, 25)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("films")


@pytest.fixture(scope="module")
def film(folder) -> bytes:
    """Two shots, 12 and 8 frames, with sound."""
    shots = np.concatenate([moving(12), moving(8, seed=1)])
    return make_film(folder / "film.mp4", shots, sound=True, **H264).read_bytes()


@pytest.fixture
def colored(film, tmp_path):
    """Color the film as `zoo colorize` does; the file."""

    def color(model, options=None, **settings):
        source, target = tmp_path / "source.mp4", tmp_path / "expected.mp4"
        source.write_bytes(film)
        chosen = planning.FilmSettings(**settings)
        zoo.colorize_video(source, target, model, settings=chosen, **(options or {}))
        return target

    return color


class Held:
    """Holds films when some of their frames are done, until the test lets them go."""

    def __init__(self, watch) -> None:
        self.go, self.begun = threading.Event(), threading.Event()
        self.most, self._watch = 0, watch

    def __call__(self, run, done, frames) -> None:
        self._watch(run, done, frames)
        self.most = max(self.most, done)
        if done:
            self.begun.set()
            assert self.go.wait(20)


@pytest.fixture
def held(monkeypatch):
    """Parts of 8 frames, which are also what the networks see together."""
    monkeypatch.setattr(planning, "LONGEST_PART", 8)
    watching = Held(films.FilmRun.__call__)
    # A method, so that it is given the run.
    monkeypatch.setattr(films.FilmRun, "__call__", lambda *given: watching(*given))
    yield watching
    watching.go.set()


def left_of(settings) -> set[str]:
    """Files and folders of results, and what waits in scratch."""
    parts = [settings.data / "results", settings.data / "scratch"]
    return {path.name for part in parts for path in part.iterdir()}


# ---------------------------------------------------------------------- from end to end


def test_a_film_is_colored_as_the_command_does(server, film, colored, tiny):
    uploaded = server.upload(film, "my film.mp4")
    assert {**uploaded, "id": None, "created": None, "expires": None} == {
        "id": None,
        "kind": "film",
        "name": "my film.mp4",
        "width": 48,
        "height": 32,
        "format": "MP4",
        "frames": 20,
        "seconds": pytest.approx(0.76),
        "created": None,
        "expires": None,
    }
    assert server.client.get("/api/v1/photos").json()["photos"] == [uploaded]
    chosen = {"smoothing": "past", "start": 0.2, "end": 0.44}
    asked = {"model": "tiny", "options": {"temperature": 0.3}, "film": chosen}
    job = server.wait(server.ask(uploaded, **asked))
    assert job.items() >= {"state": "done", "error": None, "notes": []}.items()
    assert job["film"] == {"codec": "h264", **chosen}
    answer = server.client.get(f"/api/v1/jobs/{job['id']}/result", params={"download": 1})
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"].endswith("my%20film.mp4")
    expected = colored(str(tiny), {"temperature": 0.3}, **chosen)
    assert answer.content == expected.read_bytes()
    assert len(read_film(expected)[0]) == 6


def test_sound_is_kept_and_what_cannot_be_is_told(server, folder, film):
    with av.open(io.BytesIO(server.colored(server.upload(film), model="gray"))) as container:
        assert [one.type for one in container.streams] == ["video", "audio"]
    webm = make_film(folder / "film.webm", moving(3), codec="libvpx-vp9", pixels="yuv420p")
    avi = make_film(folder / "film.avi", moving(3), codec="mpeg4", pixels="yuv420p")
    for path, kind in ((webm, "video/webm"), (avi, "video/x-matroska")):
        job = server.wait(server.ask(server.upload(path.read_bytes()), model="gray"))
        answer = server.client.get(f"/api/v1/jobs/{job['id']}/result")
        assert answer.headers["content-type"] == kind
    deep = make_film(folder / "deep.mkv", moving(3), codec="ffv1", pixels="yuv420p10le")
    job = server.wait(server.ask(server.upload(deep.read_bytes()), model="gray"))
    assert job["notes"] == ["It has more than 8 bits a channel; the colored film has 8."]


def test_the_first_frame_is_the_preview(server, film, folder, tiny):
    uploaded = server.upload(film)
    first = read_film(folder / "film.mp4")[0][0]
    gray = server.client.get(f"/api/v1/photos/{uploaded['id']}/image").content
    wanted = zoo.load_model("gray").colorize(first)
    assert np.abs(opened(gray).astype(int) - wanted).mean() < 3
    preview = opened(server.colored(uploaded, model="tiny", side=64))
    wanted = zoo.load_model(tiny).colorize(first)
    assert np.abs(preview.astype(int) - wanted).mean() < 3


def test_parts_of_films_are_sent_so_that_players_can_seek(server, film):
    uploaded = server.upload(film)
    result = server.wait(server.ask(uploaded, model="gray"))
    addresses = (f"/api/v1/photos/{uploaded['id']}/film", f"/api/v1/jobs/{result['id']}/result")
    for address in addresses:
        whole = server.client.get(address)
        assert whole.headers["accept-ranges"] == "bytes"
        size = len(whole.content)
        for asked, first, stop in (("0-", 0, size), ("100-199", 100, 200), ("-50", -50, None)):
            answer = server.client.get(address, headers={"Range": f"bytes={asked}"})
            assert answer.status_code == 206
            assert answer.content == whole.content[first:stop]
        assert server.client.get(address, headers={"Range": "bytes=9999999-"}).status_code == 416
    assert server.client.get(addresses[0]).content == film
    photo = server.upload()
    refused(server.client.get(f"/api/v1/photos/{photo['id']}/film"), 404, "and no film")


def test_a_reference_is_handed_on_to_the_film(server, film, monkeypatch):
    """A film's first frame may be one, too."""
    given = []

    def color(source, target, model, *, settings, watch, **options):
        given.append(opened(settings.reference.read_bytes()))
        return zoo.colorize_video(source, target, model, watch=watch, **options)

    monkeypatch.setattr(films, "colorize_video", color)
    photo, uploaded = server.upload(make_photo(seed=5)), server.upload(film)
    for reference in (photo, uploaded):
        asked = {"model": "gray", "reference": reference["id"], "transfer": "match"}
        server.colored(uploaded, **asked)
    assert (given[0] == opened(make_photo(seed=5))).all()
    assert given[1].shape == (32, 48, 3)


def test_photos_and_films_are_in_one_archive(server, film):
    uploaded = [server.upload(film, "sea.mp4"), server.upload(name="sea.png")]
    jobs = [server.wait(server.ask(one, model="gray"))["id"] for one in uploaded]
    answer = server.client.get("/api/v1/archive", params={"jobs": ",".join(jobs)})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.namelist() == ["sea.mp4", "sea-2.png"]
        for name, job in zip(packed.namelist(), jobs, strict=True):
            assert packed.read(name) == server.client.get(f"/api/v1/jobs/{job}/result").content


# ---------------------------------------------------------------------- while it is colored


def test_progress_is_told_and_photos_pass(start, held, film):
    server = start(workers=1)
    job = server.ask(server.upload(film), model="gray")
    waiting = server.ask(server.upload(film), model="gray")
    assert held.begun.wait(20)
    now = server.client.get(f"/api/v1/jobs/{job['id']}").json()
    assert (now["state"], now["done"], now["frames"]) == ("running", 8, 20)
    assert server.client.get(f"/api/v1/jobs/{waiting['id']}").json()["position"] == 1
    # One worker, and a photo does not wait for the film.
    assert server.wait(server.ask(server.upload(), model="gray"))["state"] == "done"
    threading.Timer(0.2, held.go.set).start()
    told = server.client.get(f"/api/v1/jobs/{job['id']}/events").text
    assert '"done":8,"frames":20' in told
    assert '"state":"done"' in told.split("\n\n")[-2]
    assert server.wait(waiting)["state"] == "done"


def test_the_estimate_follows_from_the_pace(monkeypatch):
    clock, heard = [100.0], []
    monkeypatch.setattr("zoo.serve.films.time.monotonic", lambda: clock[0])
    run = films.FilmRun(lambda: heard.append(clock[0]))
    for moment, done, frames in ((100, 0, None), (101, 600, 1000), (111, 700, 1000)):
        clock[0] = moment
        assert run.estimate is None
        run(done, frames)
    assert run.estimate == pytest.approx(30)
    clock[0] = 121
    assert run.estimate == pytest.approx(20)
    run(701, 1000)
    run(702, 1000)
    assert heard == [100, 101, 111, 121]
    run.stop()
    with pytest.raises(films.Stopped):
        run(703, 1000)


@pytest.mark.parametrize("what", ["job", "film"])
def test_what_is_deleted_stops_and_leaves_nothing(server, settings, held, film, what):
    uploaded = server.upload(film)
    job = server.ask(uploaded, model="gray")
    assert held.begun.wait(20)
    assert f".{job['id']}.mp4.unfinished" in left_of(settings)
    address = f"jobs/{job['id']}" if what == "job" else f"photos/{uploaded['id']}"
    assert server.client.delete(f"/api/v1/{address}").status_code == 204
    held.go.set()
    while server.service.queues.place(job["id"]) is not None:
        time.sleep(0.01)
    assert held.most == 8
    other = server.upload(film)
    last = server.wait(server.ask(other, model="gray"))
    assert last["state"] == "done"
    assert left_of(settings) == {f"{last['id']}.mp4"}
    refused(server.client.get(f"/api/v1/jobs/{job['id']}"), 404)
    kept = {path.stem for path in (settings.data / "photos").iterdir()}
    assert kept == {other["id"]} | ({uploaded["id"]} if what == "job" else set())


def test_a_stopped_server_goes_on_where_it_was(start, settings, held, film, colored, monkeypatch):
    server = start()
    job = server.ask(server.upload(film), model="gray")
    assert held.begun.wait(20)
    threading.Timer(0.2, held.go.set).start()
    server.client.__exit__(None, None, None)
    assert held.most == 8
    store = Store(settings.data)
    (waiting,) = store.unfinished()
    assert (waiting.id, waiting.state, waiting.attempts) == (job["id"], "queued", 0)
    store.close()
    begun = watch_parts(monkeypatch)
    server = start()
    assert server.wait(job)["state"] == "done"
    # The next part may have been finished while the first one was told of.
    assert begun in ([1, 2], [2])
    result = server.client.get(f"/api/v1/jobs/{job['id']}/result").content
    assert result == colored("gray").read_bytes()
    assert left_of(settings) == {f"{job['id']}.mp4"}


def watch_parts(monkeypatch) -> list[int]:
    """The numbers of the parts that are encoded from now on, in parts of 8 frames."""
    begun: list[int] = []

    def open_part(path, look):
        begun.append(int(path.stem))
        return encoding.open_part(path, look)

    monkeypatch.setattr(planning, "LONGEST_PART", 8)
    monkeypatch.setattr(coloring, "open_part", open_part)
    return begun


def killed(settings, film: bytes, attempts: int, monkeypatch) -> StoredJob:
    """A folder as a server leaves it that is killed when one part of a film is done."""
    monkeypatch.setattr(planning, "LONGEST_PART", 8)
    store = Store(settings.data)
    photo = Photo("sea.mp4", "MP4", 48, 32, frames=20, seconds=0.76)
    job = StoredJob(photo.id, "gray", {}, film={"codec": "h264"})
    store.file_of(photo).write_bytes(film)
    store.picture_of(photo).write_bytes(make_photo((48, 32)))
    store.add_photo(photo)
    store.add_job(job)
    for _ in range(attempts):
        store.start_job(job.id)

    def stop(done, _):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        zoo.colorize_video(store.file_of(photo), store.result_of(job, photo), "gray", watch=stop)
    (settings.data / "results" / f".{job.id}-x.partial.mp4").write_bytes(b"half")
    (settings.data / "results" / f".{'0' * 32}.mp4.unfinished").mkdir()
    store.close()
    return job


def test_a_killed_server_goes_on_where_it_was(settings, start, film, colored, monkeypatch):
    job = killed(settings, film, 1, monkeypatch)
    begun = watch_parts(monkeypatch)
    server = start()
    assert server.wait({"id": job.id})["state"] == "done"
    assert begun in ([1, 2], [2])
    assert left_of(settings) == {f"{job.id}.mp4"}
    result = server.client.get(f"/api/v1/jobs/{job.id}/result").content
    assert result == colored("gray").read_bytes()


def test_a_film_that_was_running_twice_when_the_server_ended_is_given_up(
    settings, start, film, monkeypatch
):
    job = killed(settings, film, 2, monkeypatch)
    server = start()
    ended = server.wait({"id": job.id})
    assert (ended["state"], "try a smaller film" in ended["error"]) == ("failed", True)
    assert left_of(settings) == set()


# ---------------------------------------------------------------------- what is not taken


def test_limits_are_checked_before_anything_is_decoded(start, settings, film, monkeypatch):
    def decode(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(films, "Film", decode)
    limits = Limits()
    for changed, words in (
        ({"film_bytes": 2**10}, "MiB"),
        ({"frame_pixels": 48 * 32 - 1}, "48 x 32 px"),
        ({"frames": 19}, "more than 19 frames"),
        ({"films": 0}, "0 films already"),
    ):
        server = start(limits=replace(limits, **changed))
        answer = server.client.post("/api/v1/photos", files={"photo": film + bytes(2**10)})
        refused(answer, 507 if "films" in changed else 413, words)
        assert left_of(settings) == set()
        assert not list((settings.data / "photos").iterdir())


def test_a_film_may_be_longer_than_a_photo(start, film, monkeypatch):
    """It is written into the data folder, and kept neither in memory nor elsewhere on the disk."""

    def elsewhere(*_, **__):
        raise AssertionError("not in the data folder")

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", elsewhere)
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", elsewhere)
    server = start(limits=Limits(upload_bytes=2**10))
    assert server.upload(film)["frames"] == 20
    refused(server.client.post("/api/v1/photos", files={"photo": make_photo((90, 90))}), 413, "MiB")
    refused(server.client.post("/api/v1/colorize", files={"photo": bytes(2**22)}), 413, "MiB")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "multipart/form-data; boundary=x", 400),
        (b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a"\r\n\r\nabc', 0, 400),
        (b'--x\r\nContent-Disposition: form-data; name="photo"\r\n\r\nabc\r\n--x--\r\n', 0, 422),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n\r\n--x--', 0, 422),
        (b"no form", 0, 400),
        (b"--x\r\nA: " + b"b" * 10_000 + b"\r\n\r\n", 0, 400),
        (b"{}", "application/json", 422),
        (b"abc", "multipart/form-data", 422),
    ],
    ids=["empty", "cut", "text", "other", "none", "long", "json", "border"],
)
def test_broken_forms_are_refused(server, settings, content, kind, status):
    headers = {"Content-Type": kind or "multipart/form-data; boundary=x"}
    answer = server.client.post("/api/v1/photos", content=content, headers=headers)
    refused(answer, status)
    assert left_of(settings) == set()


def avi_with_subtitles(path, text: bytes) -> bytes:
    """An AVI file with a stream of subtitles that are a file of their own, named by its content."""
    make_film(path, moving(3), codec="mpeg4", pixels="yuv420p")
    data = path.read_bytes()
    packet = b"GAB2\0" + struct.pack("<HIHI", 2, 0, 4, len(text)) + text
    chunk = b"01tx" + struct.pack("<I", len(packet)) + packet + bytes(len(packet) % 2)
    header = struct.pack("<4s4sIHHIIIIIIII", b"txts", bytes(4), *(0,) * 5, 1, 25, 0, 3, 0, 0)
    strh = b"strh" + struct.pack("<I", 56) + header.ljust(56, b"\0")
    stream = b"LIST" + struct.pack("<I", 4 + len(strh) + 8) + b"strl" + strh + b"strf" + bytes(4)
    data = _longer(data, b"movi", chunk, first=True)
    data = _longer(data, b"hdrl", stream)
    streams = data.index(b"avih") + 8 + 24
    return data[:streams] + struct.pack("<I", 2) + data[streams + 4 :]


def _longer(data: bytes, name: bytes, added: bytes, first: bool = False) -> bytes:
    """An AVI file with more at the beginning or the end of one of its lists."""
    start = data.index(name)
    (size,) = struct.unpack("<I", data[start - 4 : start])
    place = start + 4 if first else start + size
    size = struct.pack("<I", size + len(added))
    return data[: start - 4] + size + data[start:place] + added + data[place:]


def hostile(folder) -> dict[str, bytes]:
    """Files that name another one, which lies beside them."""
    make_film(folder / "secret.ts", moving(3), **MPEG2)
    secret = str(folder / "secret.ts").encode()
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + secret + b"\n#EXT-X-ENDLIST\n"
    boxes = struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0)
    return {
        "playlist": playlist,
        "concat": b"ffconcat version 1.0\nfile '" + secret + b"'\n",
        "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        "manifest": b"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>" + secret,
        "polyglot": b"RIFF\0\0\0\0AVI \n" + playlist,
        "boxes": boxes + playlist,
        "matroska": b"\x1a\x45\xdf\xa3" + playlist,
        "stream": (b"G" + playlist.ljust(187, b" ")) * 6,
    }


def test_files_that_name_other_files_are_refused(server, settings, tmp_path):
    for name, content in hostile(tmp_path).items():
        for suffix in ("mp4", "m3u8", "avi"):
            files = {"photo": (f"{name}.{suffix}", content, "video/mp4")}
            refused(server.client.post("/api/v1/photos", files=files), 415)
    assert left_of(settings) == set()
    assert server.client.get("/api/v1/photos").json() == {"photos": []}


def test_a_film_that_begins_as_another_one_is_refused(server):
    stream = film_bytes(moving(20), ".ts", **MPEG2)
    assert server.upload(stream)["format"] == "TS"
    answer = server.client.post("/api/v1/photos", files={"photo": b"FLV\x01" + stream})
    refused(answer, 415, "another file than it begins as")


def test_subtitles_that_are_a_playlist_open_nothing(server, tmp_path):
    spoken = b"1\n00:00:00,000 --> 00:00:01,000\nHello.\n\n"
    with av.open(io.BytesIO(avi_with_subtitles(tmp_path / "film.avi", spoken))) as container:
        assert container.streams.subtitles[0].codec_context.name == "srt"
    data = avi_with_subtitles(tmp_path / "film.avi", hostile(tmp_path)["playlist"])
    job = server.wait(server.ask(server.upload(data), model="gray"))
    assert job["state"] == "done"
    made = server.client.get(f"/api/v1/jobs/{job['id']}/result").content
    with av.open(io.BytesIO(made)) as container:
        assert len(container.streams.video) == 1
    assert b"secret" not in made


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda data: data[:600], "damaged"),
        (lambda data: data.replace(b"avc1", b"zzz1"), "decoded"),
        (lambda data: data[:48] + bytes(len(data) - 48), "damaged"),
        (lambda _: b"OggS" + bytes(500), "damaged"),
    ],
    ids=["cut", "codec", "hollow", "ogg"],
)
def test_damaged_films_are_refused(server, settings, film, made, words):
    files = {"photo": ("a.mp4", made(film))}
    refused(server.client.post("/api/v1/photos", files=files), 415, words)
    assert left_of(settings) == set()
    assert not list((settings.data / "photos").iterdir())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"film": {"smoothing": "much"}}, "There is no smoothing 'much'"),
        ({"film": {"look_ahead": 99}}, "may look ahead 0 to 20"),
        ({"film": {"codec": "mjpeg"}}, "There is no codec"),
        ({"film": {"start": 3, "end": 2}}, "is empty"),
        ({"film": {"key_frames": {}}}, "key_frames"),
        ({"hints": {"version": 1, "palette": ["#2a4a80"]}}, "no film"),
        ({"transfer": "reinhard", "reference": "R"}, "by match alone"),
    ],
)
def test_what_films_do_not_take_is_refused(server, film, body, words):
    if "reference" in body:
        body = {**body, "reference": server.upload()["id"]}
    address = f"/api/v1/photos/{server.upload(film)['id']}/jobs"
    refused(server.client.post(address, json=body), 422, words)
    assert server.service.store.unfinished() == []


def test_of_each_film_so_many_versions_are_kept(start, film):
    server = start(limits=Limits(versions=1))
    uploaded = server.upload(film)
    failed = server.wait(server.ask(uploaded, model="gray", film={"start": 50}))
    assert failed["state"] == "failed"
    job = server.wait(server.ask(uploaded, model="gray"))
    server.wait(server.ask(uploaded, model="gray", side=16))
    address = f"/api/v1/photos/{uploaded['id']}/jobs"
    refused(server.client.post(address, json={"model": "gray"}), 507, "delete some first")
    server.client.delete(f"/api/v1/jobs/{job['id']}")
    server.wait(server.ask(uploaded, model="gray"))


def test_photos_take_no_options_of_films(server):
    address = f"/api/v1/photos/{server.upload()['id']}/jobs"
    answer = server.client.post(address, json={"film": {"smoothing": "none"}})
    refused(answer, 422, "leave them out")


def test_a_film_that_fails_tells_no_paths(server, settings, film):
    job = server.wait(server.ask(server.upload(film), model="gray", film={"start": 50}))
    assert job["state"] == "failed"
    assert "no frame in the part that was asked for" in job["error"]
    assert str(settings.data) not in job["error"]
    assert left_of(settings) == set()


def test_without_the_extra_films_are_refused(server, film, monkeypatch):
    def missing():
        raise zoo.errors.ZooError("Films need PyAV.")

    monkeypatch.setattr(films, "require_pyav", missing)
    refused(server.client.post("/api/v1/photos", files={"photo": film}), 501, "photos alone")
    server.upload()


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\0\0\0\x18ftypisom", "MP4"),
        (b"\0\0\0\x18ftypM4V ", "M4V"),
        (b"\0\0\0\x18ftypqt  ", "MOV"),
        (b"\0\0\0\x18ftyp3gp5", "3GP"),
        (b"\0\0\0\x08wide", "MOV"),
        (b"\0\0\0\x18ftypheic", None),
        (b"\0\0\0\x18ftypavif", None),
        (make_photo((300, 300), "GIF")[:1024], None),
        (make_photo(kind="WEBP"), None),
    ],
)
def test_containers_are_known_by_their_first_bytes(head, found):
    assert film_format(head) == found


@pytest.mark.parametrize(
    ("suffix", "codec", "found"),
    [
        (".mkv", "ffv1", "MKV"),
        (".webm", "libvpx-vp9", "WEBM"),
        (".avi", "mpeg4", "AVI"),
        (".mpg", "mpeg2video", "MPEG"),
        (".ts", "mpeg2video", "TS"),
        (".wmv", "wmv2", "WMV"),
        (".flv", "flv", "FLV"),
        (".ogv", "libvpx", "OGV"),
    ],
)
def test_what_is_written_in_a_container_is_known(server, tmp_path, suffix, codec, found):
    pixels, unit = "bgr0" if codec == "ffv1" else "yuv420p", Fraction(1, 25)
    path = tmp_path / f"film{suffix}"
    made = make_film(path, moving(4), codec=codec, pixels=pixels, unit=unit)
    uploaded = server.upload(made.read_bytes(), "film")
    assert (uploaded["format"], uploaded["frames"]) == (found, 4)
