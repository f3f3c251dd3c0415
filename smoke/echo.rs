//! The program of the smoke test's image: writes its first argument and a newline to standard
//! output. It runs in an image that holds nothing else, so it has no library beneath it and speaks
//! to the kernel itself.
//!
//! Exit status: 0 written, 64 no argument given, 74 writing failed (numbers of sysexits.h).
//!
//! It is compiled by the build script, not by cargo, for the target of the landfall binary.

#![no_std]
#![no_main]
// Otherwise the compiler may turn the loop that measures the argument into a call of strlen.
#![no_builtins]

use core::arch::{asm, global_asm};

const EX_USAGE: usize = 64;
const EX_IOERR: usize = 74;
const STDOUT: usize = 1;
const EINTR: isize = -4;

// At the start of a program the stack pointer points to the number of arguments, which the
// pointers to them follow; it is passed on as the first argument of `run`.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {run}",
    run = sym run,
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".globl _start",
    "_start:",
    "mov x29, xzr",
    "mov x30, xzr",
    "mov x0, sp",
    "b {run}",
    run = sym run,
);
// On riscv64 the linker may shorten addresses to offsets from gp, which the start must then set.
#[cfg(target_arch = "riscv64")]
global_asm!(
    ".globl _start",
    "_start:",
    ".option push",
    ".option norelax",
    "la gp, __global_pointer$",
    ".option pop",
    "mv a0, sp",
    "tail {run}",
    run = sym run,
);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
compile_error!("smoke/echo.rs has no entry point and no system calls for this architecture");

/// Numbers of the system calls, from the kernel's asm/unistd.h of each architecture.
#[cfg(target_arch = "x86_64")]
mod call {
    pub const WRITE: usize = 1;
    pub const EXIT_GROUP: usize = 231;
}
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod call {
    pub const WRITE: usize = 64;
    pub const EXIT_GROUP: usize = 94;
}

/// # Safety
/// `stack` is the stack pointer as the kernel left it.
unsafe extern "C" fn run(stack: *const usize) -> ! {
    // SAFETY: the kernel puts the number of arguments there, and so many pointers after it, each to
    // a string that ends with a zero byte, all of them writable.
    let status = unsafe {
        let count = *stack;
        if count < 2 { EX_USAGE } else { write_line(*stack.add(2) as *mut u8) }
    };
    exit(status)
}

/// Writes the text and a newline, in one call so that a log has it as one line.
///
/// # Safety
/// `text` is writable and ends with a zero byte.
unsafe fn write_line(text: *mut u8) -> usize {
    // SAFETY: nothing beyond the zero byte is touched; it becomes the newline.
    unsafe {
        let mut length = 0;
        while *text.add(length) != 0 {
            length += 1;
        }
        *text.add(length) = b'\n';
        length += 1;
        let mut done = 0;
        while done < length {
            match system_call(call::WRITE, STDOUT, text.add(done) as usize, length - done) {
                EINTR => {}
                written if written > 0 => done += written as usize,
                _ => return EX_IOERR,
            }
        }
    }
    0
}

fn exit(status: usize) -> ! {
    loop {
        // SAFETY: takes no pointers.
        unsafe { system_call(call::EXIT_GROUP, status, 0, 0) };
    }
}

/// # Safety
/// The arguments are what the system call asks for.
unsafe fn system_call(number: usize, a: usize, b: usize, c: usize) -> isize {
    let result: isize;
    // SAFETY: registers as the kernel's calling convention has them.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result, in("rdi") a, in("rsi") b,
            in("rdx") c, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a as isize => result, in("x1") b,
            in("x2") c, options(nostack));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "riscv64")]
    unsafe {
        asm!("ecall", in("a7") number, inlateout("a0") a as isize => result, in("a1") b,
            in("a2") c, options(nostack));
    }
    result
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(EX_IOERR)
}
