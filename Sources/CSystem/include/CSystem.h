// System calls that Swift cannot reach: variadic ones and those without a wrapper in glibc 2.36.
// Everything that is Linux-only stands in system.c with its portable fallback.
#pragma once
#include "CSystemConfine.h"
#include "CSystemCrash.h"
#include "CSystemSpawn.h"

/// Opens `path` for reading below the folder `root`, never outside it and never through a link that leads
/// out; does not block on pipes. Returns a descriptor, or -1 with `errno`: EXDEV for a path that leaves,
/// ELOOP for links that never end.
int csystem_open_beneath(int root, const char *path);

/// The same without openat2: walks name by name and follows links by hand, so that nothing that is swapped
/// on the way leads out. Used where the kernel or a sandbox does not offer openat2.
int csystem_open_beneath_portably(int root, const char *path);

/// The variables of the process's environment, `NAME=value` each; NULL ends the list. Swift takes `environ` for a
/// variable that threads race for.
char *const *csystem_environment(void);

/// Makes the process's memory unreadable for others and forbids core files.
void csystem_harden(void);

/// Gives blocks of 2 MiB and more back to the system when they are freed. glibc would raise that size step by step
/// to 32 MiB and keep what every thread has freed: 8 workers on 24-megapixel progressive files held 211 MB, not 149.
void csystem_return_large_blocks(void);

/// Keeps up to 64 MiB that were freed: for processes of one thread that need as much again for the next item.
void csystem_keep_large_blocks(void);

/// Gives memory that is free back to the system, from between blocks that are in use as well.
void csystem_return_free_memory(void);

/// Reserves disk blocks for `length` bytes from `offset` on without changing the file's size. Returns 0, or -1
/// with `errno`: EOPNOTSUPP where the file system cannot.
int csystem_reserve(int fd, long long offset, long long length);

/// The processors that the calling thread may run on; 0 where that cannot be told.
int csystem_allowed_processors(void);

/// Whether a file lies on a file system of another machine (1) or not (0); 0 where that cannot be told.
int csystem_is_remote(int fd);
