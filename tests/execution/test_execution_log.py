"""The log of what ran: read once, line by line, by others."""

from activecharge.execution.execution_log import Died, ExecutionLog, LogReader, read_log


def test_facts_are_read_once_and_whole(tmp_path):
    path = tmp_path / "facts.jsonl"
    reader = LogReader(path)
    assert reader.read() == []
    log, heard = ExecutionLog(path), []
    log.listeners.append(heard.append)
    log.died("label", "first")
    assert [noted.fact for noted in reader.read()] == heard == [Died("label", "first")]
    with path.open("a") as file:
        file.write('{"time": 1.0, "fact": "mishap", "kind": "label", "rea')
    assert reader.read() == []
    with path.open("a") as file:
        file.write('son": "second"}\n')
    assert [(n.time, n.fact) for n in reader.read()] == [(1.0, Died("label", "second"))]


def test_lines_of_other_programs_are_passed_over(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text('{"fact": "moon", "time": 1}\n{"fact": "mishap", "time": 1}\n[]\n3\n')
    assert read_log(path) == []


def test_the_load_is_written_now_and_then(tmp_path):
    log = ExecutionLog(tmp_path / "facts.jsonl")
    for _ in range(3):
        log.load({"label": 1}, {"label": 2}, {"CPU": 1.0}, {"CPU": 2.0})
    [noted] = read_log(log.path)
    assert noted.fact.waiting == {"label": 2} and noted.fact.total == {"CPU": 2.0}
