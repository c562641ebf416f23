// Giving up rights for good: for processes that work on bytes of strangers, and for programs of others.
#pragma once
#include <sys/types.h>

/// Whether `csystem_confine` can work here: Linux on x86-64 or arm64 with seccomp filters that end a process.
int csystem_can_confine(void);

enum { csystem_out_of_memory = 12 };

/// Takes everything from the calling process but descriptor 0, its memory and the end: it is killed when `parent` is
/// gone, opens nothing, starts nothing, and every system call beyond a short list ends it at once.
/// A fault ends it with the exit code 128 and the signal's number, or `csystem_out_of_memory` where `errno` says that.
/// Returns 0, or -1 with `errno`: then some rights are gone and others are not, so the process has to end.
int csystem_confine(pid_t parent);

/// The names of the system calls that are left after `csystem_confine`, separated by blanks.
const char *csystem_confined_calls(void);

/// Allows `child`, which has been confined, so many more seconds of processor time and so many bytes of memory in
/// all. Returns 0, or -1 with `errno`.
int csystem_grant(pid_t child, long seconds, long long bytes);

/// Takes `no_new_privs` for the calling thread and what it starts: no program gains rights by setuid. With `network`
/// 0 sockets are gone too, by a filter. Returns 0, or -1 with `errno`.
int csystem_restrict_thread(int network);

/// Bounds the memory of a process that has just been started, in bytes of data. Returns 0, or -1 with `errno`.
int csystem_limit_memory(pid_t process, long long bytes);
