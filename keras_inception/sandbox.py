"""What a process of ours gives up, for good, before it looks at a stranger's bytes."""

from __future__ import annotations

import ctypes
import os
import sys

try:
    import resource
except ImportError:  # Windows has no such limits.
    resource = None

# The same numbers on all processors: include/uapi/asm-generic/unistd.h.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION = 1  # a flag: say which version of Landlock there is
# How many rights of files each version knows, and the first ones that know of TCP, and of signals
# and abstract sockets: include/uapi/linux/landlock.h.
_FILE_RIGHTS = (0, 13, 14, 15, 15, 16)
_TCP, _SCOPES = 4, 6
_NO_NEW_PRIVS = 38
_CAPABILITIES = 0x20080522


def close(memory: int, seconds: int | None = None) -> int:
    """What is open stays so, and nothing else can be had from here on.

    On Linux: no file is opened, made, removed or executed, nor does one grow; no new descriptor,
    so no socket; no rights of root; no signal to other processes (from 6.12); at most `memory`
    bytes of address space beside those in use; and where `seconds` are given, the system ends the
    process by SIGXCPU when it has computed for so long, however busy the system is. Files need
    Landlock: 5.13, and a system that has it switched on. Elsewhere there are the limits that the
    system has: none on Windows.

    The bytes of address space in use, for `bound`; 0 where they are not known. What is imported
    later is a file as well. Raises RuntimeError if there is more than one thread:
    Landlock binds the one that calls, and those that it starts.
    """
    linux, used = sys.platform == "linux", 0
    if linux and len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("other threads would keep what this one gives up")
    if resource is not None:
        if linux:
            with open("/proc/self/statm", encoding="ascii") as file:
                used = int(file.read().split()[0]) * resource.getpagesize()
            _limit(resource.RLIMIT_AS, used + memory)
        if seconds is not None:
            _limit(resource.RLIMIT_CPU, seconds)
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_FSIZE, 0)
    if linux:
        _landlock()
    if resource is not None:
        free = os.dup(0)
        os.close(free)
        _limit(resource.RLIMIT_NOFILE, free)
    if linux:
        _drop_capabilities()  # Root could raise the limits again.
    return used


def bound(memory: int) -> None:
    """At most `memory` bytes of address space, within what `close` left, until the next call."""
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (min(memory, hard), hard))


def landlock_version() -> int:
    """The version of Landlock that the system offers; 0 if none."""
    if sys.platform != "linux":
        return 0
    return max(0, _syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION)))


def _limit(which: int, most: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))


def _syscall(*arguments) -> int:
    call = ctypes.CDLL(None, use_errno=True).syscall
    call.restype = ctypes.c_long
    return call(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))


def _landlock() -> None:
    """All rights are handled and none is given: nothing is allowed."""
    version = landlock_version()
    if not version:
        return
    files = (1 << _FILE_RIGHTS[min(version, len(_FILE_RIGHTS) - 1)]) - 1
    rights = (files, 0b11 * (version >= _TCP), 0b11 * (version >= _SCOPES))
    handled = (ctypes.c_uint64 * 3)(*rights)
    size = ctypes.c_size_t(ctypes.sizeof(handled))
    rules = _syscall(_CREATE_RULESET, handled, size, ctypes.c_uint32(0))
    libc = ctypes.CDLL(None, use_errno=True)
    privileges = libc.prctl(_NO_NEW_PRIVS, *(ctypes.c_ulong(n) for n in (1, 0, 0, 0)))
    if rules < 0 or privileges or _syscall(_RESTRICT_SELF, rules, ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "Landlock is there and refuses")
    os.close(rules)


def _drop_capabilities() -> None:
    """Effective, permitted and inheritable ones, in two words each."""
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITIES, 0), (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
