// Starting programs; apart from CSystem.h because it is the one part that is about other processes.
#pragma once
#include <sys/types.h>

/// Starts `program` in its own session with default signals, the given environment and, on Linux and macOS,
/// no other descriptors than the three given as 0, 1 and 2; one below 0 stands for nothing to read or to write to.
/// Returns the process, or -1 with `errno`.
pid_t csystem_spawn(
  const char *program, char *const arguments[], char *const environment[], int input, int output, int errors);

/// Whether `process`, a child, has ended; it stays a zombie, so that its number and its group stay its own until
/// it is reaped. Returns 1 or 0, or -1 when there is no such child (any more).
int csystem_has_ended(pid_t process);

/// Asks for a pipe that holds `bytes` at once, where the system can; images go through with fewer turns.
void csystem_widen_pipe(int fd, int bytes);
