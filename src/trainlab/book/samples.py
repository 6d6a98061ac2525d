"""Arrays whose rows may be counted in floating numbers, as readers' scripts do."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainlab.book.notices import notice


class Samples(np.ndarray[Any, Any]):
    """An array that takes `x[: 500 * 0.2]`; a fraction is cut off, as NumPy did until 1.11.

    Slices, indexed parts and reshaped arrays of it are Samples too; what is computed from
    them is an ordinary array.

    >>> x = np.arange(10).view(Samples)
    >>> x[: len(x) * 0.25].tolist(), x[8.0:].tolist(), type(x + 1).__name__
    ([0, 1], [8, 9], 'ndarray')
    """

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(whole(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(whole(key), value)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return array[()] if return_scalar else array

    def __reduce__(self) -> Any:
        """Pickles as an ordinary array, which is read where trainlab is not."""
        return self.view(np.ndarray).__reduce__()

    def __repr__(self) -> str:
        return repr(self.view(np.ndarray))


def whole(key: Any) -> Any:
    """The size or index with every floating number in it turned into a whole one."""
    if isinstance(key, float | np.floating):
        notice("sizes and indices are whole numbers; the fraction of the one given is cut off")
        return int(key)
    if isinstance(key, slice):
        bounds = (key.start, key.stop, key.step)
        return slice(*(whole(bound) for bound in bounds))
    if isinstance(key, tuple):
        return tuple(whole(part) for part in key)
    return key
