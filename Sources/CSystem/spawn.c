#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// The helpers return 0 or the number of an error: a program must not start with half of what was asked for.
static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  int code = posix_spawnattr_setsigdefault(attributes, &all);
  if (code == 0) code = posix_spawnattr_setsigmask(attributes, &none);
  return code != 0 ? code : posix_spawnattr_setflags(attributes, flags);
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int input, int output, int errors) {
  int code = input < 0 ? posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0)
                       : posix_spawn_file_actions_adddup2(actions, input, 0);
  const int outputs[] = {output, errors};
  for (int i = 0; i < 2 && code == 0; i++)
    code = outputs[i] < 0 ? posix_spawn_file_actions_addopen(actions, i + 1, "/dev/null", O_WRONLY, 0)
                          : posix_spawn_file_actions_adddup2(actions, outputs[i], i + 1);
#ifdef __GLIBC__
  if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
  return code;
}

static int initialize(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions) {
  int code = posix_spawnattr_init(attributes);
  if (code != 0) return code;
  code = posix_spawn_file_actions_init(actions);
  if (code != 0) posix_spawnattr_destroy(attributes);
  return code;
}

pid_t csystem_spawn(
  const char *program, char *const arguments[], char *const environment[], int input, int output, int errors) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  pid_t process = -1;
  int code = initialize(&attributes, &actions);
  if (code == 0) {
    code = set_attributes(&attributes);
    if (code == 0) code = set_descriptors(&actions, input, output, errors);
    // ETXTBSY: the program was written a moment ago, and a child that another thread is starting still holds it open.
    for (int tries = 20; code == 0; tries--) {
      code = posix_spawn(&process, program, &actions, &attributes, arguments, environment);
      if (code != ETXTBSY || tries == 0 || usleep(5000) != 0) break;
      code = 0;
    }
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  errno = code;
  return code == 0 ? process : -1;
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

int csystem_start_thread(void *(*body)(void *), void *context) {
  pthread_t thread;
  int code = pthread_create(&thread, NULL, body, context);
  if (code == 0) pthread_detach(thread);
  return code;
}
