"""Files are either the old or the new, whatever happens in between."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from activecharge.errors import UserError
from activecharge.files import check_destination, write_atomic, write_json, write_text


def test_the_writer_gets_a_path_beside_the_final_one_with_its_suffix(tmp_path):
    seen = []

    def write(path):
        seen.append(path)
        path.write_text("new")

    target = tmp_path / "deep" / "er" / "frames.xyz"
    assert write_atomic(target, write) == target
    assert target.read_text() == "new"
    assert seen[0].parent == target.parent and seen[0].suffix == ".xyz" and seen[0] != target
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_writer_that_fails_leaves_the_old_content_and_no_litter(tmp_path, error):
    target = write_text(tmp_path / "state.json", "old")

    def write(path):
        path.write_text("half of the n")
        raise error

    with pytest.raises(type(error)):
        write_atomic(target, write)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_first_writer_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        write_atomic(tmp_path / "new.txt", lambda path: 1 / 0)
    assert list(tmp_path.iterdir()) == []


def test_data_that_json_cannot_hold_leaves_the_old_content(tmp_path):
    target = write_json(tmp_path / "state.json", {"round": 1})
    with pytest.raises(TypeError):
        write_json(target, {"round": object()})
    assert json.loads(target.read_text()) == {"round": 1}


def test_a_reader_holds_what_it_opened(tmp_path):
    target = write_text(tmp_path / "state.json", "old")
    with target.open() as reader:
        write_text(target, "new")
        assert reader.read() == "old"
    assert target.read_text() == "new"


@pytest.mark.parametrize("data", [{"b": 1, "a": [0.1, None, True, "Å·e"]}, [], {}, "σ", 1e-300])
def test_json_comes_back_as_it_was(tmp_path, data):
    path = write_json(tmp_path / "data.json", data)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == data
    assert text.endswith("\n")
    if isinstance(data, dict):
        assert list(json.loads(text)) == list(data)
    assert "\\u" not in text


def test_text_is_utf8(tmp_path):
    assert write_text(tmp_path / "unit.txt", "eV/Å³").read_bytes() == "eV/Å³".encode()


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_permissions_follow_the_umask(tmp_path, umask):
    """In a process of its own, since the mask is that of the whole process."""
    target = tmp_path / "shared.json"
    code = f"from activecharge.files import write_json; write_json({str(target)!r}, 1)"
    previous = os.umask(umask)
    try:
        subprocess.run([sys.executable, "-c", code], check=True)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


def test_importing_leaves_the_umask_alone():
    code = "import os; os.umask(0o027); import activecharge.files; assert os.umask(0) == 0o027"
    subprocess.run([sys.executable, "-c", code], check=True)


def make_pipe(path):
    os.mkfifo(path)


def make_folder(path):
    path.mkdir()
    (path / "inside").touch()


def make_socket(path):
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_circle(path):
    path.symlink_to(path.with_name("back"))
    path.with_name("back").symlink_to(path)


def make_link_to_a_device(path):
    path.symlink_to("/dev/null")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_pipe, "is a pipe"),
        (make_folder, "is a folder"),
        (make_socket, "is a socket"),
        (make_circle, "cannot be written .*symbolic links"),
        (make_link_to_a_device, "is a device"),
    ],
)
def test_only_files_are_replaced(tmp_path, monkeypatch, make, said):
    monkeypatch.chdir(tmp_path)  # names of sockets must be short
    target = Path("there.xyz")
    make(target)
    before = target.lstat()
    for refuse in (check_destination, lambda path: write_text(path, "new")):
        with pytest.raises(UserError, match=rf"there\.xyz: {said}"):
            refuse(target)
    after = target.lstat()
    assert (after.st_mode, after.st_ino) == (before.st_mode, before.st_ino)
    assert not list(tmp_path.glob(".tmp-*"))


def test_a_link_stays_and_its_target_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    target, link = tmp_path / "far" / "real.txt", tmp_path / "link.txt"
    for content in ("first", "second"):  # at first the link leads nowhere
        link.unlink(missing_ok=True)
        link.symlink_to(Path("far") / "real.txt")
        check_destination(link)
        assert write_text(link, content) == link
        assert link.is_symlink() and target.read_text() == content
    assert [path.name for path in target.parent.iterdir()] == ["real.txt"]


def test_a_destination_is_checked_without_making_anything(tmp_path):
    check_destination(tmp_path / "new" / "folder" / "x.xyz")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is no folder that may be written to"):
        check_destination(tmp_path / "file" / "x.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
