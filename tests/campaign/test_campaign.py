"""The campaign's frame: parts resume, failures count, the table says what was measured."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from campaign import __main__ as program
from campaign import part as parts
from campaign import table
from campaign.ledger import Ledger
from campaign.part import CampaignError, Case, Outcome, Part, Result

ROOT = Path(__file__).parents[2]


class Toy(Part):
    """Six cases; the third fails, and Ctrl-C is pressed in the fifth, once."""

    name = "toy"
    promise = "nothing breaks"

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.interrupt = False

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        return [Case(f"{seed}/{i}", i) for i in range(2 if quick else 6)]

    def run(self, case: Case, scratch: Path) -> Outcome:
        assert not list(scratch.iterdir())
        (scratch / "file").touch()
        if case.given == 4 and self.interrupt:
            self.interrupt = False
            raise KeyboardInterrupt
        self.ran.append(case.id)
        if case.given == 2:
            raise ValueError("broke")
        return Outcome(True, "", {"held": 10})


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy()
    monkeypatch.setattr(parts, "PARTS", {"toy": "toy"})
    monkeypatch.setattr(program, "PARTS", parts.PARTS)
    monkeypatch.setattr(table, "PARTS", parts.PARTS)
    monkeypatch.setattr(program, "load", lambda name: made)
    return made


def run(folder: Path, *words: str) -> int:
    return program.main([*words, "--out", str(folder)])


def test_results_are_kept_and_summed_up(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--seed", "7") == program.FAILED
    assert toy.ran == [f"7/{i}" for i in range(6)]
    summary = json.loads((tmp_path / "toy.json").read_text())
    assert (summary["cases"], summary["done"], summary["failed"]) == (6, 6, 1)
    assert summary["counts"] == {"error": 1, "held": 50}
    assert summary["failures"] == [["7/2", "ValueError: broke"]]
    assert not summary["passed"]
    assert sum(summary["commits"].values()) == 6
    said = capsys.readouterr().out
    assert "seed 7" in said
    assert "FAILED 7/2: ValueError: broke" in said


def test_interrupted_it_says_how_to_go_on_and_does_the_rest_alone(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy.interrupt = True
    assert run(tmp_path) == program.INTERRUPTED
    assert "--resume" in capsys.readouterr().out
    assert json.loads((tmp_path / "toy.json").read_text())["done"] == 4
    first, toy.ran = toy.ran, []
    assert run(tmp_path, "--resume") == program.FAILED
    assert [name.partition("/")[2] for name in toy.ran] == ["4", "5"]
    assert {name.partition("/")[0] for name in first + toy.ran} == {
        str(Ledger(tmp_path, "toy").read()[0]["seed"])
    }
    toy.ran = []
    assert run(tmp_path, "--retry") == program.FAILED
    assert [name.partition("/")[2] for name in toy.ran] == ["2"]


def test_cases_that_are_named_run_again_and_do_not_count_until_then(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, "--seed", "7")
    toy.ran = []
    assert run(tmp_path, "--again", "7/[01]") == program.FAILED
    assert toy.ran == ["7/0", "7/1"]
    toy.ran, toy.interrupt = [], True
    assert run(tmp_path, "--again", "*") == program.INTERRUPTED
    assert json.loads((tmp_path / "toy.json").read_text())["done"] == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "python -m campaign --resume --workers 1 --out" in said
    assert run(tmp_path, "toy", "--resume") == program.FAILED
    assert toy.ran == [f"7/{i}" for i in range(6)]
    assert json.loads((tmp_path / "toy.json").read_text())["done"] == 6


def test_a_new_run_keeps_the_file_of_the_one_before(toy: Toy, tmp_path: Path) -> None:
    run(tmp_path, "--seed", "1")
    run(tmp_path, "--seed", "2", "--quick")
    assert Ledger(tmp_path, "toy").read()[0] == {"seed": 2, "quick": True}
    assert '"seed": 1' in (tmp_path / "toy.jsonl.before").read_text()


@pytest.mark.parametrize("words", [("--seed", "2", "--quick"), ("--seed", "1")], ids=" ".join)
def test_a_run_is_not_resumed_with_other_settings(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    run(tmp_path, "--seed", "2")
    assert run(tmp_path, *words, "--resume") == 2
    assert "is of seed 2 without --quick" in " ".join(capsys.readouterr().out.split())


def test_a_name_that_is_no_part_is_refused(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(tmp_path, "tables")
    assert "must be one of toy, table; got tables" in capsys.readouterr().err


def test_a_torn_last_line_is_cut_off(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, "toy")
    ledger.begin(1, False)
    ledger.add(Result("a", True, "", {"done": 1}, 0.5, "c"))
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole + b'{"id": "b", "ok": tr')
    assert list(ledger.read()[1]) == ["a"]
    assert ledger.path.read_bytes() == whole
    ledger.path.write_bytes(b"[1]\n{}\n")
    with pytest.raises(CampaignError, match="is damaged"):
        ledger.read()


def test_the_table_stands_between_its_markers(toy: Toy, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    run(tmp_path, "--seed", "7")
    page.write_text(f"above\n{table.BEGIN}\nold\n{table.END}\nbelow\n")
    table.renew(tmp_path, page)
    text = page.read_text()
    assert text.startswith(f"above\n{table.BEGIN}\n")
    assert text.endswith(f"{table.END}\nbelow\n")
    assert "| `toy` | nothing breaks | 6 | 1 error, 50 held | 1 |" in text
    assert "old" not in text
    table.renew(tmp_path, page)
    assert page.read_text() == text
    with pytest.raises(CampaignError, match="has no results"):
        table.renew(tmp_path / "empty", page)
    page.write_text("no markers\n")
    with pytest.raises(CampaignError, match="must have the lines"):
        table.renew(tmp_path, page)


def test_rows_of_parts_that_are_not_in_the_folder_stay(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "PARTS", {"first": "", "toy": "", "last": ""})
    run(tmp_path, "--seed", "7")
    page, kept = tmp_path / "page.md", "| `first` | holds | 3 |"
    reports = ["### toy\n\nbefore", "### last\n\n- all\n- of it"]
    measured = "Measured on another machine."
    before = ["| part |", kept, "| `toy` | before |", "", measured, "", *reports]
    page.write_text("\n".join(["above", table.BEGIN, *before, table.END, "below"]))
    table.renew(tmp_path, page)
    text = page.read_text()
    assert "before" not in text
    assert text.index(kept) < text.index("| `toy` | nothing breaks | 6 |") < text.index(measured)
    assert text.count("Measured on") == 2
    assert text.endswith(f"\n\n{reports[1]}\n\n{table.END}\nbelow")
    table.renew(tmp_path, page)
    assert page.read_text() == text


def test_every_part_of_the_table_of_parts_has_cases_with_unique_ids() -> None:
    for name in parts.PARTS:
        part = parts.load(name)
        cases = part.cases(0, quick=True)
        assert part.name == name
        assert part.promise
        assert cases
        assert len({case.id for case in cases}) == len(cases)


@pytest.mark.parametrize("path", sorted((ROOT / "campaign").rglob("*.py")), ids=lambda p: p.name)
def test_every_function_of_the_campaign_has_types_and_fits_the_head(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 400
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            assert node.returns is not None, f"{path}:{node.lineno}"
