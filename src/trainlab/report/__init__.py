"""The report: one offline page made of what experiments found."""
