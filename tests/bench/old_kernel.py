#!/usr/bin/env python3
"""old_kernel.py ENOSYS|EPERM COMMAND...: runs a command on a kernel that seems to be 3.10.

A seccomp filter answers every system call that came after 3.10 with ENOSYS, as such a kernel
does, or with EPERM, as sandboxes of that time do for calls they do not know. All that the command
starts inherits it; what it asks others to start (systemd, dockerd) does not.
"""
import ctypes
import errno
import os
import platform
import struct
import sys

# arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.12, from the first call after 3.10 on (kcmp and
# finit_module, 312 and 313, came with 3.5 and 3.8). 334 (rseq) is the last before the gap; all
# architectures share the numbers from 424 (pidfd_send_signal) on.
FIRST, LAST_BEFORE_GAP, FIRST_SHARED = 314, 334, 424
# Far above the last number that a kernel has today.
END = 1000

AUDIT_ARCH_X86_64 = 0xC000003E
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
OFFSET_NUMBER, OFFSET_ARCH = 0, 4


def instruction(code, value, if_true=0, if_false=0):
    """One struct sock_filter of the kernel's classic BPF."""
    return struct.pack("HBBI", code, if_true, if_false, value)


def program(answer):
    refuse = ERRNO | answer
    # A jump counts the instructions that it skips.
    return [
        instruction(LOAD_WORD, OFFSET_ARCH),
        instruction(JUMP_EQUAL, AUDIT_ARCH_X86_64, 0, 5),  # another architecture: allow
        instruction(LOAD_WORD, OFFSET_NUMBER),
        instruction(JUMP_AT_LEAST, END, 3, 0),  # x32 and the like: allow
        instruction(JUMP_AT_LEAST, FIRST_SHARED, 3, 0),  # refuse
        instruction(JUMP_AT_LEAST, LAST_BEFORE_GAP + 1, 1, 0),  # none has these numbers: allow
        instruction(JUMP_AT_LEAST, FIRST, 1, 0),  # refuse
        instruction(RETURN, ALLOW),
        instruction(RETURN, refuse),
    ]


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("ENOSYS", "EPERM"):
        sys.exit(__doc__)
    if platform.machine() != "x86_64":
        sys.exit("old_kernel.py: the numbers of system calls here are those of x86_64")
    instructions = program(getattr(errno, sys.argv[1]))
    code = ctypes.create_string_buffer(b"".join(instructions))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    filter_program = Program(len(instructions), ctypes.addressof(code))
    libc = ctypes.CDLL(None, use_errno=True)
    # Root needs no PR_SET_NO_NEW_PRIVS for it.
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filter_program), 0, 0) != 0:
        sys.exit(f"old_kernel.py: no filter: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[2], sys.argv[2:])


main()
