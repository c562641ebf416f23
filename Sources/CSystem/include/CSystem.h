// System calls that Swift cannot reach: variadic ones and those without a wrapper in glibc 2.36.
// What is Linux-only has its portable fallback in the same file.
#pragma once
#include <sys/types.h>

// MARK: Files, memory, processors (system.c)

/// Opens `path` for reading beneath the folder `root`, never through a link that leads out; does not block on pipes.
/// Returns a descriptor, or -1 with `errno`: EXDEV for a path that leads out, ELOOP for links that never end.
int csystem_open_beneath(int root, const char *path);

/// The same where the kernel or a sandbox has no openat2: walks name by name and follows links itself, so that nothing
/// that is swapped meanwhile leads out.
int csystem_open_beneath_portably(int root, const char *path);

/// The environment, `NAME=value` each; NULL ends the list. To Swift, `environ` is a variable that threads race for.
char *const *csystem_environment(void);

/// Whether the process ignores a signal.
int csystem_is_ignored(int number);

/// Makes the process's memory unreadable for others and forbids core files.
void csystem_harden(void);

/// Lets the process have as many open files as it may, up to 65,536.
void csystem_raise_file_limit(void);

/// Returns blocks of 2 MiB and more to the system when they are freed. glibc would raise that size step by step to
/// 32 MiB and keep what each thread has freed: 8 workers on 24-megapixel progressive files held 211 MB, not 149.
void csystem_return_large_blocks(void);

/// Keeps up to 64 MiB of freed memory, for processes of one thread that need as much for the next item.
void csystem_keep_large_blocks(void);

/// Returns free memory to the system, also from between blocks in use.
void csystem_return_free_memory(void);

/// Reserves disk blocks for `length` bytes from `offset` on without changing the file's size. Returns 0, or -1
/// with `errno`: EOPNOTSUPP where the file system cannot.
int csystem_reserve(int fd, long long offset, long long length);

/// Opens a file without a name in a folder, to read and append (0600): it is gone once it is closed, however the
/// program ends. Returns a descriptor, or -1 with `errno`: EOPNOTSUPP where there is no such thing.
int csystem_open_nameless(const char *folder);

/// Gives such a file a name that nothing has yet. Returns 0, or -1 with `errno`.
int csystem_name_file(int fd, const char *path);

/// The number of processors that the calling thread may run on; 0 if unknown.
int csystem_allowed_processors(void);

/// Whether a file is on another machine's file system; 0 if unknown.
int csystem_is_remote(int fd);

// MARK: Programs and threads (spawn.c)

/// Starts `program` in its own session with default signals, the given environment and, on Linux and macOS, no
/// descriptors but the three given as 0, 1 and 2; a negative one is replaced by /dev/null.
/// Returns the process, or -1 with `errno`.
pid_t csystem_spawn(
  const char *program, char *const arguments[], char *const environment[], int input, int output, int errors);

/// Whether a child has ended; it stays a zombie, so that its number and group stay its own until it is reaped.
/// Returns 1 or 0, or -1 if there is no such child (any more).
int csystem_has_ended(pid_t process);

/// Asks for a pipe that holds `bytes` at once, so that images go through in fewer turns.
void csystem_widen_pipe(int fd, int bytes);

/// Runs `body` in a thread that nobody waits for. Returns 0 or the number of an error.
int csystem_start_thread(void *(*body)(void *), void *context);

// MARK: Giving up rights for good (confine.c)

/// Whether `csystem_confine` can work here: Linux on x86-64 or arm64 with seccomp filters that end a process.
int csystem_can_confine(void);

enum { csystem_out_of_memory = 12 };

/// Takes everything from the calling process but descriptor 0, its memory and the right to end: it is killed when
/// `parent` is gone, opens nothing, starts nothing, and any system call beyond a short list ends it at once.
/// A fault ends it with the exit code 128 plus the signal's number, or `csystem_out_of_memory` if `errno` is ENOMEM.
/// Returns 0, or -1 with `errno`: some rights are gone then, and the process has to end.
int csystem_confine(pid_t parent);

/// The names of the system calls that are left after `csystem_confine`, separated by blanks.
const char *csystem_confined_calls(void);

/// Allows a confined child so many more seconds of processor time and so many bytes of memory in all. Returns 0, or -1
/// with `errno`.
int csystem_grant(pid_t child, long seconds, long long bytes);

/// Sets `no_new_privs` for the calling thread and what it starts, so that no program gains rights by setuid. If
/// `network` is 0, a filter refuses new sockets, too. Returns 0, or -1 with `errno`.
int csystem_restrict_thread(int network);

/// Limits the memory of a process, in bytes of data. Returns 0, or -1 with `errno`.
int csystem_limit_memory(pid_t process, long long bytes);

// MARK: Which item was worked on at a crash (crash.c)

/// From now on each crash adds a line to the file `path`: the item's name. Replaces the default handlers.
void csystem_crash_arm(const char *path);

/// Names what the calling thread works on, in 63 bytes at most; NULL for nothing.
void csystem_crash_item(const char *name);
