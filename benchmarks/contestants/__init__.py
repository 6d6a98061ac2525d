"""The contestants, one file each; each has `prepare(workload, data, ...) -> Contestant`."""
