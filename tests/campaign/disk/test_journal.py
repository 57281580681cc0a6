"""The journal outlives a kill in the middle of a line."""

import json

import pytest

from activecharge.campaign.disk.journal import Journal


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal.jsonl")


def test_events_come_back_in_order(journal):
    assert journal.events() == []
    journal.append("labelled", hash="a")
    journal.append("quarantined", hash="b", reason="30 eV/Å,\nit said")
    found = journal.events()
    assert [event["event"] for event in found] == ["labelled", "quarantined"]
    assert found[1]["reason"] == "30 eV/Å,\nit said"
    assert len(journal.path.read_text(encoding="utf-8").splitlines()) == 2
    assert all(event["time"].endswith("+00:00") for event in found)


def test_a_line_cut_anywhere_is_passed_over(journal):
    """Also within a letter of several bytes."""
    journal.append("labelled", hash="a")
    whole = journal.path.read_bytes()
    journal.append("quarantined", reason="Å Å Å")
    both = journal.path.read_bytes()
    for length in range(len(whole) + 1, len(both) - 1):
        journal.path.write_bytes(both[:length])
        assert [event["event"] for event in journal.events()] == ["labelled"]
        journal.append("stopped")
        assert [event["event"] for event in journal.events()] == ["labelled", "stopped"]


@pytest.mark.parametrize("character", ["\u2028", "\x85", "\x0b", "\r"])
def test_other_ends_of_line_within_a_text(journal, character):
    """Output of reference programs may hold any of them."""
    journal.append("quarantined", reason=f"one{character}two")
    assert journal.events()[0]["reason"] == f"one{character}two"


def test_foreign_lines_are_passed_over(journal):
    journal.path.write_bytes(b'garbage\n\xff\xfe\n[1]\n3\n{"no": "event"}\n\n')
    assert journal.events() == []
    journal.append("started")
    assert json.loads(journal.path.read_bytes().splitlines()[-1])["event"] == "started"
