#define _GNU_SOURCE
#include "CSystemSpawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

static short prepare(posix_spawnattr_t *attributes) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(attributes, &all);
  posix_spawnattr_setsigmask(attributes, &none);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  return flags;
}

pid_t csystem_spawn(
  const char *program, char *const arguments[], char *const environment[], int input, int output, int errors) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_setflags(&attributes, prepare(&attributes));
  if (input < 0) posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  else posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
#ifdef __GLIBC__
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
  pid_t process = -1;
  int code = posix_spawn(&process, program, &actions, &attributes, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (code != 0) { errno = code; return -1; }
  return process;
}

int csystem_has_ended(pid_t process) {
  siginfo_t info;
  int code;
  info.si_pid = 0;
  do code = waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT); while (code != 0 && errno == EINTR);
  return code != 0 ? -1 : info.si_pid == process;
}

void csystem_widen_pipe(int fd, int bytes) {
#ifdef F_SETPIPE_SZ
  (void)fcntl(fd, F_SETPIPE_SZ, bytes);
#else
  (void)fd, (void)bytes;
#endif
}
