"""Motion capture: clips of every format as the same 17 joints."""
