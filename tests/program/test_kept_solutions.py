"""What computer algebra found is kept for the next process, and never believed without its question."""

import ast
import json

import pytest

import neurosim as ns
from neurosim.program import discretise
from neurosim.program.kept_solutions import SOLUTIONS, keep_solution, kept_solution
from neurosim.units import ms
from program.library import population


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path))
    return tmp_path / SOLUTIONS


def test_an_answer_comes_back_for_its_question_alone(folder):
    keep_solution("dv/dt = -v", "v = 1")
    assert kept_solution("dv/dt = -v") == "v = 1"
    assert kept_solution("dv/dt = -2*v") is None


@pytest.mark.parametrize(
    "spoil", ["", "{", "[]", '{"question": "other", "answer": "x"}', '{"question": "q", "answer": 3}']
)
def test_a_file_that_is_broken_or_answers_something_else_is_not_believed(folder, spoil):
    keep_solution("q", "a")
    (file,) = folder.iterdir()
    file.write_text(spoil, encoding="utf-8")
    assert kept_solution("q") is None


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEUROSIM_CACHE", str(tmp_path / "file"))
    keep_solution("q", "a")
    assert kept_solution("q") is None


def _statements(monkeypatch, asked):
    solved = discretise._solved
    with monkeypatch.context() as patch:
        patch.setattr(discretise, "_solved", lambda *question: (asked.append(question), solved(*question))[1])
        discretise._abstract_code.cache_clear()  # as in another process
        model = ns.NeuronModel("dv/dt = (w - v)/tau : 1\ndw/dt = -w/(2*tau) : 1", parameters={"tau": 10 * ms})
        found = population(model, dt=0.1 * ms).integrate
    discretise._abstract_code.cache_clear()
    return [(statement.target, ast.unparse(statement.expression)) for statement in found]


def test_equations_are_solved_once_for_all_processes(folder, monkeypatch):
    asked: list[tuple] = []
    first = _statements(monkeypatch, asked)
    assert len(asked) == 1
    assert _statements(monkeypatch, asked) == first
    assert len(asked) == 1
    (file,) = folder.iterdir()
    kept = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(kept | {"answer": kept["answer"] + "\nv = 1"}), encoding="utf-8")
    assert _statements(monkeypatch, asked) != first  # the file is what is read
