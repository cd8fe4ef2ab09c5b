"""The process that examines files: its limits, its queue, its end, and what it does not know."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import psutil
import pytest

from adapters.files import examiner as module
from adapters.files.examiner import ExaminerLimits, FileExaminer
from bp_core.shared.errors import Unavailable
from bp_core.uploads.kinds import ImageSize, RejectedFileError
from bp_core.uploads.ports import Examined, ExaminerBusy
from tests.hostile import camera_exif
from tests.unit.adapters.files.test_images import photograph
from tests.world import picture

LIMITS = ExaminerLimits()
posix = pytest.mark.skipif(os.name == "nt", reason="limits of the system")


@pytest.fixture
def examiner() -> Iterator[FileExaminer]:
    made = FileExaminer()
    yield made
    made.close()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FileExaminer]]:
    """Make an examiner whose process runs other code for each file, after it has started as usual."""
    made: list[FileExaminer] = []

    def make(code: str, limits: ExaminerLimits = LIMITS) -> FileExaminer:
        script = tmp_path / "fake.py"
        source = "import os, signal, sys, time\nfrom adapters.files import examination\n"
        body = "".join(f"    {line}\n" for line in dedent(code).strip().splitlines())
        head = "def answer(request, file):\n    (data,) = file\n"
        script.write_text(f"{source}{head}{body}examination.answer = answer\nexamination.main()\n")
        monkeypatch.setattr(module, "COMMAND", ("-P", str(script)))
        made.append(FileExaminer(limits=limits))
        return made[-1]

    yield make
    for one in made:
        one.close()


def process_of(examiner: FileExaminer) -> psutil.Process:
    assert examiner._process is not None
    return psutil.Process(examiner._process._process.pid)


def examine(examiner: FileExaminer, data: bytes | None = None) -> Examined:
    return examiner.examine(picture() if data is None else data, "image/jpeg", with_thumbnail=False)


OK = 'return {"size": [1, 2], "is_changed": False, "has_thumbnail": False}, []'


def test_an_image_is_examined_by_a_process_that_stays_for_the_next_one(examiner: FileExaminer) -> None:
    first = examiner.examine(photograph("JPEG"), "image/jpeg", with_thumbnail=True)
    process = process_of(examiner)
    second = examine(examiner)

    assert (first.image_size, second.image_size) == (ImageSize(96, 64), ImageSize(800, 600))
    assert camera_exif() not in first.data
    assert first.thumbnail is not None
    assert (second.data, second.thumbnail) == (picture(), None)
    assert process_of(examiner) == process
    with pytest.raises(RejectedFileError, match="damaged"):
        examine(examiner, b"\xff\xd8\xff")
    assert process_of(examiner) == process
    examiner.close()
    assert not process.is_running()


def test_the_camera_data_are_kept_if_the_setting_says_so() -> None:
    examiner = FileExaminer(keep_metadata=True)
    data = photograph("JPEG")
    assert examine(examiner, data).data == data
    examiner.close()


def test_the_process_inherits_no_secrets(examiner: FileExaminer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "pepper")
    monkeypatch.setenv("DATABASE_URL", "postgresql://portal:pepper@127.0.0.1/portal")
    examine(examiner)
    environment = process_of(examiner).environ()

    assert "pepper" not in str(environment)
    assert environment.keys() <= {
        "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "LD_LIBRARY_PATH", "SYSTEMROOT", "LC_CTYPE",
        "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
    }  # fmt: skip


@posix
def test_a_file_that_takes_too_much_computing_time_is_rejected_and_the_next_one_is_examined(
    fake: Callable[..., FileExaminer],
) -> None:
    code = f"while data == b'slow': pass\n{OK}"
    examiner = fake(code, replace(LIMITS, cpu_seconds=1))

    with pytest.raises(RejectedFileError, match=r"takes too long to be opened\."):
        examine(examiner, b"slow")
    assert examine(examiner, b"x").image_size == ImageSize(1, 2)


def test_computing_time_is_limited_for_each_file_and_not_for_all(fake: Callable[..., FileExaminer]) -> None:
    code = f"end = time.process_time() + 0.7\nwhile time.process_time() < end: pass\n{OK}"
    examiner = fake(code, replace(LIMITS, cpu_seconds=2))
    for _ in range(4):
        examine(examiner, b"x")


@posix
def test_a_file_that_needs_too_much_memory_is_rejected(fake: Callable[..., FileExaminer]) -> None:
    code = f"""
        try:
            bytearray(800_000_000)
        except MemoryError:
            return {{"rejected": examination.TOO_MUCH_MEMORY}}, []
        {OK}
    """
    examiner = fake(code, replace(LIMITS, memory_bytes=600_000_000))
    with pytest.raises(RejectedFileError, match="too much memory"):
        examine(examiner, b"x")


@posix
def test_a_process_without_memory_for_an_answer_rejects_its_file(fake: Callable[..., FileExaminer]) -> None:
    with pytest.raises(RejectedFileError, match="too much memory"):
        examine(fake("raise MemoryError"), b"x")


@posix
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGBUS"])
def test_a_file_that_crashes_the_decoder_is_rejected(fake: Callable[..., FileExaminer], name: str) -> None:
    examiner = fake(f"os.kill(os.getpid(), signal.{name})")
    with pytest.raises(RejectedFileError, match=r"cannot be opened safely\."):
        examine(examiner, b"x")


def test_a_file_whose_process_is_ended_by_others_is_examined_again(
    fake: Callable[..., FileExaminer], tmp_path: Path
) -> None:
    mark = tmp_path / "second"
    mark_code = f"""
        import pathlib
        mark = pathlib.Path({str(mark)!r})
        if not mark.exists():
            mark.mkdir()
            os._exit(1)
        {OK}
    """
    assert examine(fake(mark_code), b"x").image_size == ImageSize(1, 2)


@pytest.mark.parametrize(
    "code", ["os._exit(1)", 'raise ImportError("no PIL")', "os.write(1, b'x' * 100); os._exit(0)"]
)
def test_a_process_that_ends_for_reasons_of_our_own_rejects_no_file(
    fake: Callable[..., FileExaminer], code: str
) -> None:
    with pytest.raises(Unavailable):
        examine(fake(code), b"x")


@pytest.mark.parametrize(
    "answer",
    [
        "{}, []", '{"size": [1], "is_changed": False, "has_thumbnail": False}, []',
        '{"size": [1, 2], "is_changed": True, "has_thumbnail": False}, []',
    ],
)  # fmt: skip
def test_an_answer_that_the_process_never_gives_is_no_result(
    fake: Callable[..., FileExaminer], answer: str
) -> None:
    with pytest.raises(Unavailable):
        examine(fake(f"return {answer}"), b"x")


@posix
def test_a_process_that_makes_no_progress_is_ended_and_rejects_no_file(
    fake: Callable[..., FileExaminer],
) -> None:
    examiner = fake("time.sleep(60)", replace(LIMITS, wall_seconds=0.5))
    with pytest.raises(Unavailable):
        examine(examiner, b"x")
    assert examiner._process is None


def test_a_process_that_cannot_start_rejects_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    examiner = FileExaminer()
    for executable in ("/no/such/python", sys.executable):
        monkeypatch.setattr(sys, "executable", executable)
        monkeypatch.setattr(module, "COMMAND", ("-c", "import no_such_module"))
        with pytest.raises(Unavailable):
            examine(examiner)
    examiner.close()


def test_calls_wait_in_a_queue_of_limited_length_and_time(fake: Callable[..., FileExaminer]) -> None:
    code = f"time.sleep(0.5 if data == b'slow' else 0)\n{OK}"
    examiner = fake(code, replace(LIMITS, waiting=1, wait_seconds=0.1))
    started = threading.Event()
    results: list[object] = []

    def run(data: bytes) -> None:
        started.set()
        try:
            results.append(examine(examiner, data).image_size)
        except ExaminerBusy as busy:
            results.append(type(busy))

    examine(examiner, b"x")
    first = threading.Thread(target=run, args=[b"slow"])
    first.start()
    started.wait()
    while examiner._turn.acquire(blocking=False):  # until the first call has its turn
        examiner._turn.release()
    others = [threading.Thread(target=run, args=[b"x"]) for _ in range(4)]
    for one in others:
        one.start()
    for one in (first, *others):
        one.join()

    assert results == [ExaminerBusy] * 4 + [ImageSize(1, 2)]
    assert examine(examiner, b"x").image_size == ImageSize(1, 2)


def test_files_are_examined_one_at_a_time(fake: Callable[..., FileExaminer]) -> None:
    examiner = fake(f"time.sleep(0.05)\n{OK}", replace(LIMITS, waiting=20))
    examine(examiner, b"x")
    process = process_of(examiner)
    threads = [threading.Thread(target=examine, args=[examiner, b"x"]) for _ in range(8)]
    for one in threads:
        one.start()
    children = len(psutil.Process().children(recursive=True))
    for one in threads:
        one.join()
    assert process_of(examiner) == process
    assert len(psutil.Process().children(recursive=True)) == children


def test_an_idle_process_is_stopped_and_started_again() -> None:
    examiner = FileExaminer(limits=replace(LIMITS, idle_seconds=0.2))
    examine(examiner)
    process = process_of(examiner)
    process.wait(timeout=30)

    assert examine(examiner).image_size == ImageSize(800, 600)
    examiner.close()


def test_the_process_ends_with_the_portal(tmp_path: Path) -> None:
    code = """
        import sys, os
        from adapters.files.examiner import FileExaminer
        from tests.world import picture
        examiner = FileExaminer()
        examiner.examine(picture(), "image/jpeg", with_thumbnail=False)
        print(examiner._process._process.pid, flush=True)
        os._exit(1)
    """
    portal = psutil.Popen(
        [sys.executable, "-c", dedent(code)], cwd=module.ROOT, stdout=-1, env={**os.environ}, text=True
    )
    output, _ = portal.communicate(timeout=60)
    pid = int(output)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
