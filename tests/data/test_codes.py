"""Numbers that look like codes for missing values."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from trainlab.data.codes import codes_of, codes_said, may_have_codes

TABLES = Path(os.environ.get("TRAINLAB_DATA", "data")) / "tables"
AGES = [*range(20, 80)] * 3


@pytest.mark.parametrize(
    ("others", "codes"),
    [
        (AGES, [-999.0]),
        (AGES, [999.0]),
        (AGES, [997.0, 998.0, 999.0]),
        ([float(one) for one in AGES], [-99.0]),
        ([0.5, 0.25, 1.0] * 30, [9.99]),
        ([1, 2, 3, 4] * 30, [77.0]),
        ([-5.0, 0.0, 5.0] * 30, [-9999.0]),
        ([280.0, 290.0, 300.0] * 30, [1e20]),  # whatever its digits
        ([1.0, 5.0, 9.0] * 30, [-33.0]),  # negative, as the others are not
    ],
)
def test_what_looks_like_a_code(others: list[float], codes: list[float]) -> None:
    values = np.array([*others, *codes * 6])
    assert codes_of(values)[0] == codes
    assert codes_of(values)[1].tolist() == sorted({*others})
    assert may_have_codes(values.reshape(-1, 1)) == [0]
    with_holes = np.append(values.astype(float), np.nan)
    assert codes_of(with_holes)[0] == codes


@pytest.mark.parametrize(
    "values",
    [
        [*AGES, *[-999.0] * 4],  # too few rows
        [*AGES * 10, *[-999.0] * 9],  # less than one in a hundred
        [*AGES, *[180.0] * 9],  # too near
        [*[float(one) for one in range(1, 9)] * 9, *[24.0] * 30],  # 24 is an amount
        [*[5000.0, 6000.0, 7000.0] * 9, *[0.0] * 9],  # and so is 0
        [0.0, 1.0] * 9 + [99.0] * 9,  # of two others the range says little
        [3.0] * 9,
        [],
        [np.nan] * 9,
    ],
)
def test_what_does_not(values: list[float]) -> None:
    assert codes_of(np.array(values))[0] == []


def test_the_sentence() -> None:
    (said,) = codes_said("'age'", np.array([*AGES, *[-998, -999] * 10]), "empty cells")
    assert said == (
        "'age' has -999, -998 in 10% of the rows, far outside the others, 20 to 79: that looks "
        "like a code for missing values; try empty cells"
    )


@pytest.mark.skipif(not TABLES.is_dir(), reason="the tables are not there")
def test_no_column_of_the_tables_has_one() -> None:
    for name in json.loads((TABLES / "meta.json").read_text()):
        table = pd.read_csv(TABLES / f"{name}.csv.gz").select_dtypes("number")
        assert [one for one in table if codes_of(table[one].to_numpy(np.float64))[0]] == [], name
