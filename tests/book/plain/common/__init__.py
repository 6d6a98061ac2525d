"""The book's interface written plainly, formula by formula: what ours must agree with."""
