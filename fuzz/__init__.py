"""Damaged and odd files of every format that comes from outside, in great number.

    make fuzz N=100000

Each file is opened as a command opens it. It may open, or be refused in a sentence; anything else
is a fault: another exception, a crash, more than SECONDS or MEMORY. The files of faults are left in
fuzz/found; when one is mended, its file goes to fuzz/corpus, which the tests read. `fuzz.guided`
does the same with one parser of ours, led by what it covers.
"""

#: What one call may take.
SECONDS, MEMORY = 20, 2 << 30
