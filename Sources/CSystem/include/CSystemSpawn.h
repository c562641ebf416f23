// Starting programs; apart from CSystem.h because it is the one part that is about other processes.
#pragma once
#include <sys/types.h>

/// Starts `program` in its own session with default signals, the given environment and, on Linux and macOS,
/// no other descriptors than the three given as 0, 1 and 2. Returns the process, or -1 with `errno`.
pid_t csystem_spawn(
  const char *program, char *const arguments[], char *const environment[], int input, int output, int errors);
