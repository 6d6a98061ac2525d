"""Threads and processes that do the same at the same time, and Ctrl-C in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

import trainlab as tl
from campaign.part import ROOT, Case, Outcome
from campaign.processes import Child
from campaign.undisturbed import Disturbing, fault_of_end, fault_of_folder, parts
from campaign.works import WORKS, of_population, rows
from trainlab.errors import StoreError
from trainlab.store import Store

MANY: Final = 4  # threads or processes at the same time
TRIES: Final = 8  # of each
LOADS: Final = 30  # of each that does not save
ALONE: Final = "one process at a time"  # what an error says about a store that is open
# Work without a store: both do it.
SHARED: Final = {"save", "trainlab report", "trainlab predict", "export_onnx"}
CTRL_C: Final = ("KeyboardInterrupt", "Abort")  # the second is click's, outside of a command
QUICK: Final = ("training in threads", "search with store", "save", "trainlab predict")
BITS: Final = ROOT / "campaign" / "bits.py"

INTERRUPTS: Final = 4  # of one case
CASES: Final = {"together": 6, "Ctrl-C": 6, "saves": 20, "stores": 20, "bits": 4}


class Concurrency(Disturbing):
    """The part."""

    name = "concurrency"
    promise = (
        "whoever else saves, loads, trains or predicts at the same time: files are whole, a store "
        "has one owner and the others are told so, every thread has the bits of the main thread"
    )

    def cases(self, seed: int, quick: bool) -> Sequence[Case]:
        """Kinds of trouble, for each piece of work or for threads and processes."""
        own = tuple(name for name in self._works if not quick or name in QUICK or name not in WORKS)
        kinds: dict[str, Sequence[str]] = {
            "bits": ("fits", "predictions"),
            "saves": ("threads", "processes"),
            "stores": ("threads", "processes"),
            "together": own,
            "Ctrl-C": own,
        }
        return [
            Case(f"{kind}/{name}/{turn}", (kind, name, [seed, a, b, turn]))
            for a, (kind, names) in enumerate(kinds.items())
            for turn in range(1 if quick else CASES[kind])
            for b, name in enumerate(names)
        ]

    def run(self, case: Case, scratch: Path) -> Outcome:
        """One case."""
        kind, name, seed = case.given
        how: dict[str, Callable[[str, Any, Path], Outcome]] = {
            "bits": self._bits,
            "saves": self._saves,
            "stores": self._stores,
            "together": self._together,
            "Ctrl-C": self._interrupts,
        }
        return how[kind](name, np.random.default_rng(seed), scratch)

    # --- bits --------------------------------------------------------------------------

    def _bits(self, name: str, rng: Any, scratch: Path) -> Outcome:
        """In a process whose BLAS may have two threads."""
        variables = {**os.environ, "OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}
        words = [sys.executable, str(BITS), name, str(rng.integers(2**31)), str(scratch)]
        done = subprocess.run(
            words, env=variables, capture_output=True, text=True, timeout=600, check=False
        )
        said = done.stdout.strip() or done.stderr.strip()[-400:]
        ok = done.returncode == 0 and said == "same"
        return Outcome(ok, "" if ok else said, {"same bits" if ok else "failed": 1})

    # --- one path ----------------------------------------------------------------------

    def _saves(self, name: str, rng: Any, scratch: Path) -> Outcome:
        """Some save other models to one path, the others load what is there."""
        x, t = rows()
        models = []
        for seed in rng.integers(2**31, size=MANY).tolist():
            own = tl.Network(tl.MLP((4,)), seed=seed)
            own.fit(tl.from_arrays(x, t), steps=2, workers=1)
            models.append(own)
        right = {of_population(model.population) for model in models}
        path = scratch / "model"
        tl.save(models[0], path)

        def work(place: int) -> str:
            for turn in range(TRIES if place % 2 else LOADS):
                if place % 2:
                    tl.save(models[(place + turn) % MANY], path)
                elif of_population(tl.load(path).population) not in right:
                    return "a model that nobody saved was loaded"
            return ""

        fault = next(filter(None, _at_once(name, work, scratch)), "")
        left = [each for each in os.listdir(scratch) if each.endswith(".part")]
        fault = fault or (f"parts of files stay: {left}" if left else "")
        return Outcome(not fault, fault, {"saves": MANY // 2 * TRIES})

    def _stores(self, name: str, rng: Any, scratch: Path) -> Outcome:
        """Many open one store: it has one owner at a time, and keeps what each has saved."""
        waits = rng.uniform(0, 0.01, size=(MANY, 200))
        folder = scratch / "store"

        def work(place: int) -> str:
            opened = 0
            for wait in waits[place].tolist():
                time.sleep(wait)
                try:
                    with Store(folder) as store:
                        os.close(os.open(scratch / "owner", os.O_CREAT | os.O_EXCL))
                        store.run(f"{place}", {}, TRIES).save({("result", opened): b"content"})
                        os.unlink(scratch / "owner")
                except StoreError as error:
                    if ALONE not in str(error):
                        return str(error)
                    continue
                opened += 1
                if opened == TRIES:
                    break
            return "" if opened else "it never got the store"

        fault = next(filter(None, _at_once(name, work, scratch)), "")
        if not fault:
            with Store(folder) as store:
                kept = [store.run(f"{place}", {}, TRIES).load("result") for place in range(MANY)]
            if not all(kept):
                fault = "what was saved is lost"
        return Outcome(not fault, fault, {"stores opened": MANY})

    # --- one folder --------------------------------------------------------------------

    def _together(self, name: str, rng: Any, scratch: Path) -> Outcome:
        """Two processes do the same in one folder, the second a little later."""
        work, known, folder = self._works[name], self.known(name), scratch / "folder"
        shutil.copytree(known.folder, folder)
        children = []
        for place in range(2):
            children.append(Child(lambda: work.do(folder), scratch / f"answer-{place}.json"))
            time.sleep(rng.uniform(0, known.seconds) if not place else 0)
        counts = Counter[str]()
        for child in children:
            answer = child.answer()
            if ALONE in answer.text and name not in SHARED:
                counts["told so"] += 1
            elif fault := fault_of_end(answer, known):
                return Outcome(False, fault, {"failed": 1})
            else:
                counts["done"] += 1
        if not counts["done"]:
            return Outcome(False, "neither had the folder", {"failed": 1})
        return self._goes_on(name, folder, scratch, counts)

    def _interrupts(self, name: str, rng: Any, scratch: Path) -> Outcome:
        """Ctrl-C, once or twice, again and again; another process tries in between."""
        work, known, folder = self._works[name], self.known(name), scratch / "folder"
        shutil.copytree(known.folder, folder)
        counts = Counter[str]()
        for _ in range(INTERRUPTS):
            child = Child(lambda: work.do(folder), scratch / "answer.json")
            other = Child(lambda: work.do(folder), scratch / "other.json")
            child.wait(rng.uniform(0, known.seconds))
            for _ in range(int(rng.integers(1, 3))):
                child.signal(signal.SIGINT)
                child.wait(rng.uniform(0, 0.05))
            answer = child.answer()
            interrupted = answer.error in CTRL_C or answer.text == "130"
            # The signal may come before Python's handler is there, or when the work is done.
            gone = answer.code in (-signal.SIGINT, 1) and not answer.error
            told = ALONE in answer.text
            if not (interrupted or gone or told) and (fault := fault_of_end(answer, known)):
                return Outcome(False, f"Ctrl-C: {fault}", {"failed": 1})
            counts["interrupted" if interrupted or gone else "ended before"] += 1
            second = other.answer()
            if ALONE not in second.text and (fault := fault_of_end(second, known)):
                return Outcome(False, f"beside Ctrl-C: {fault}", {"failed": 1})
            if fault := fault_of_folder(work, known, folder, scratch):
                return Outcome(False, fault, {"failed": 1})
        return self._goes_on(name, folder, scratch, counts)

    def _goes_on(
        self, name: str, folder: Path, scratch: Path, counts: Mapping[str, int]
    ) -> Outcome:
        work, known = self._works[name], self.known(name)
        answer = Child(lambda: work.do(folder), scratch / "answer.json").answer()
        fault = fault_of_end(answer, known)
        fault = fault or fault_of_folder(work, known, folder, scratch, complete=True)
        if not fault and parts(folder):
            fault = f"parts of files stay: {', '.join(parts(folder))}"
        return Outcome(not fault, fault, counts)


def _at_once(how: str, work: Callable[[int], str], scratch: Path) -> list[str]:
    """What each of MANY threads or processes says; nothing is good news."""
    if how == "threads":
        with ThreadPoolExecutor(MANY) as pool:
            return list(pool.map(work, range(MANY)))
    children = [
        Child(lambda place=place: work(place), scratch / f"answer-{place}.json")  # type: ignore[misc]  # a default
        for place in range(MANY)
    ]
    answers = [child.answer() for child in children]
    return [answer.value if answer.value is not None else str(answer) for answer in answers]


PART: Final = Concurrency()
