"""The peak memory of a process, for scripts that tests run in processes of their own."""

from typing import Final

PEAK_MEGABYTES: Final = (
    "next(int(line.split()[1]) / 1024 "
    'for line in open("/proc/self/status") if line.startswith("VmHWM:"))'
)
"""A Python expression: the most that this program has had in memory since it was started (Linux).

`ru_maxrss` would not do: it goes on from what the parent had when it started the child.
"""
