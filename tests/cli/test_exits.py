"""How a process ends, whatever went wrong."""

import errno

import pytest

from activecharge import __version__
from activecharge.cli.exits import exits
from activecharge.errors import UserError


@pytest.fixture
def leave(capsys, monkeypatch, tmp_path):
    """Raise an error at the outermost place: exit code and stderr."""
    monkeypatch.chdir(tmp_path)

    def leave(error: BaseException, folder=None) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stop, exits(folder):
            raise error
        out, err = capsys.readouterr()
        assert out == ""
        return stop.value.code, err

    return leave


def test_mistakes_of_the_user(leave, tmp_path):
    assert leave(UserError("x.yaml: no such file")) == (2, "error: x.yaml: no such file\n")
    code, err = leave(PermissionError(errno.EACCES, "Permission denied", "/data/x.xyz"))
    assert code == 2 and err.startswith("error: /data/x.xyz: Permission denied; ")
    code, err = leave(OSError(errno.ENOSPC, "No space left on device"))
    assert code == 2 and "No space left on device" in err
    assert list(tmp_path.iterdir()) == []


def test_interrupts(leave):
    assert leave(KeyboardInterrupt()) == (130, "stopped; give the same command again to go on\n")


def test_faults_are_logged_in_full(leave, tmp_path):
    code, err = leave(ZeroDivisionError("division by zero"))
    assert code == 1 and err.count("\n") == 1
    assert err.startswith("error: ZeroDivisionError: division by zero; the full report is in ")
    assert "issue tracker" in err and __version__ in err
    assert "Traceback" in (tmp_path / "error.log").read_text()
    folder = tmp_path / "run"
    leave(ZeroDivisionError("division by zero"), folder)  # which does not exist
    assert not folder.exists()
    folder.mkdir()
    code, err = leave(OSError("nobody's file"), folder)
    assert code == 1 and str(folder / "error.log") in err


def test_faults_where_nothing_can_be_logged(leave, tmp_path):
    (tmp_path / "error.log").mkdir()
    code, err = leave(ZeroDivisionError("division by zero"))
    assert code == 1 and "Traceback" in err


def test_what_goes_well_goes_on():
    with exits():
        pass
