#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static char crash_path[PATH_MAX];
// One a thread: the item at fault is the one whose thread the signal was raised in, not its neighbours.
static _Thread_local char crash_item[64];

static const int crash_signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGTRAP};

// Only calls that POSIX allows in a handler: open, write, close, signal, raise.
static void note_crash(int number) {
  if (crash_item[0] && crash_path[0]) {
    int file = open(crash_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0) {
      size_t length = strnlen(crash_item, sizeof crash_item - 1);
      crash_item[length] = '\n';
      ssize_t ignored = write(file, crash_item, length + 1);
      (void)ignored;
      close(file);
    }
  }
  static const char text[] = "docintake: error: crashed; run the same command again, it goes on\n";
  ssize_t ignored = write(2, text, sizeof text - 1);
  (void)ignored;
  signal(number, SIG_DFL);
  raise(number);
}

void csystem_crash_arm(const char *path) {
  size_t length = strlen(path);
  if (length >= sizeof crash_path) return;
  memcpy(crash_path, path, length + 1);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = note_crash;
  sigemptyset(&action.sa_mask);
  action.sa_flags = (int)SA_RESETHAND | SA_NODEFER;
  for (size_t i = 0; i < sizeof crash_signals / sizeof *crash_signals; i++)
    sigaction(crash_signals[i], &action, NULL);
}

void csystem_crash_item(const char *name) {
  size_t length = name ? strnlen(name, sizeof crash_item - 2) : 0;
  // The first byte last: a signal in between finds an empty name.
  crash_item[0] = 0;
  if (length == 0) return;
  memcpy(crash_item + 1, name + 1, length - 1);
  crash_item[length] = 0;
  crash_item[0] = name[0];
}
