#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#ifndef __has_feature
#define __has_feature(x) 0
#endif
// A sanitiser has terabytes of shadow memory and makes system calls of its own, so its builds have a looser filter and
// no limit on memory.
#define WITH_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))

#if defined(__linux__) && defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__linux__) && defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
// The low half of an argument: both architectures are little-endian.
#define LOAD_ARGUMENT(index) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * (index))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define KILL RETURN(SECCOMP_RET_KILL_PROCESS)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
// Goes on with the next instruction if the value is equal, else skips `count` of them.
#define UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (count))
#define PERMIT(name) UNLESS(SYS_##name, 1), ALLOW
// A call whose first argument has to be descriptor 0.
#define PERMIT_ON_SOCKET(name) UNLESS(SYS_##name, 4), LOAD_ARGUMENT(0), UNLESS(0, 1), ALLOW, KILL
// A call that may not ask for executable memory in its third argument.
#define PERMIT_WITHOUT_CODE(name)                                                                                      \
  UNLESS(SYS_##name, 4), LOAD_ARGUMENT(2), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0), ALLOW, KILL

// Calls have other numbers on other architectures, so a foreign one ends the process; those of x32, with bit 30 set, are
// on no list.
#define CHECK_ARCHITECTURE LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0), KILL, LOAD(nr)

static const char calls[] = "read write brk mmap munmap mremap madvise futex exit_group";

// What decoding needs: its socket, memory, and to end. The allocator and the Swift runtime call `futex`; `madvise`
// returns memory.
static struct sock_filter decoding[] = {
  CHECK_ARCHITECTURE,
  PERMIT_ON_SOCKET(read),
  PERMIT_ON_SOCKET(write),
  PERMIT(brk),
  PERMIT_WITHOUT_CODE(mmap),
  PERMIT(munmap),
  PERMIT(mremap),
  PERMIT(madvise),
  PERMIT(futex),
  PERMIT(exit_group),
#if WITH_SANITIZER
  PERMIT(sigaltstack),
  PERMIT(sched_yield),
  PERMIT(gettid),
  PERMIT(getpid),
#endif
  KILL,
};

// Everything but sockets, and io_uring, which makes sockets without the call that is filtered.
static struct sock_filter offline[] = {
  CHECK_ARCHITECTURE,
  UNLESS(SYS_socket, 1),
  RETURN(SECCOMP_RET_ERRNO | EACCES),
  UNLESS(SYS_io_uring_setup, 1),
  RETURN(SECCOMP_RET_ERRNO | EACCES),
#ifdef __x86_64__
  // The second set of numbers that x86-64 has, for 32-bit pointers.
  BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
  RETURN(SECCOMP_RET_ERRNO | ENOSYS),
#endif
  ALLOW,
};

static int install(struct sock_filter *filter, size_t count) {
  struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
}

static int limit(int resource, rlim_t value) {
  struct rlimit bound = {value, value};
  return setrlimit(resource, &bound);
}

// A process that gets no memory faults soon, like one that crashes; the exit code tells them apart.
static void end_on_fault(int number) {
  _exit(errno == ENOMEM ? csystem_out_of_memory : 128 + number);
}

static int watch_faults(void) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE};
  struct sigaction action = {.sa_handler = end_on_fault};
  int code = sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof faults / sizeof *faults && code == 0; i++) code = sigaction(faults[i], &action, NULL);
  return code;
}

int csystem_can_confine(void) {
  unsigned action = SECCOMP_RET_KILL_PROCESS;
  return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int csystem_confine(pid_t parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return -1;
  // If the parent ended before the line above, there is no signal.
  if (getppid() != parent) {
    errno = ESRCH;
    return -1;
  }
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return -1;
  // Kernels before 5.9 lack the call.
  if (syscall(SYS_close_range, 1u, ~0u, 0u) != 0)
    for (int number = 1; number < 65536; number++) close(number);
  if (limit(RLIMIT_CORE, 0) || limit(RLIMIT_FSIZE, 0) || limit(RLIMIT_NPROC, 0) || limit(RLIMIT_NOFILE, 0)) return -1;
  if (watch_faults() != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return install(decoding, sizeof decoding / sizeof *decoding);
}

const char *csystem_confined_calls(void) { return calls; }

// Only sets the soft limit, so that the next picture's can be higher.
static int bound(pid_t process, int resource, rlim_t value) {
  struct rlimit limits;
  if (prlimit(process, resource, NULL, &limits) != 0) return -1;
  limits.rlim_cur = value < limits.rlim_max ? value : limits.rlim_max;
  return prlimit(process, resource, &limits, NULL);
}

int csystem_grant(pid_t child, long seconds, long long bytes) {
  clockid_t clock;
  struct timespec used;
  int code = clock_getcpuclockid(child, &clock);
  if (code != 0 || clock_gettime(clock, &used) != 0) {
    if (code != 0) errno = code;
    return -1;
  }
  if (bound(child, RLIMIT_CPU, (rlim_t)(used.tv_sec + 1 + seconds)) != 0) return -1;
  return csystem_limit_memory(child, bytes);
}

int csystem_restrict_thread(int network) {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return network ? 0 : install(offline, sizeof offline / sizeof *offline);
}

int csystem_limit_memory(pid_t process, long long bytes) {
#if WITH_SANITIZER
  (void)process, (void)bytes;
  return 0;
#else
  return bound(process, RLIMIT_DATA, (rlim_t)bytes);
#endif
}

#else

static int unsupported(void) {
  errno = ENOSYS;
  return -1;
}

int csystem_can_confine(void) { return 0; }
int csystem_confine(pid_t parent) { return (void)parent, unsupported(); }
const char *csystem_confined_calls(void) { return ""; }
int csystem_grant(pid_t child, long seconds, long long bytes) {
  return (void)child, (void)seconds, (void)bytes, unsupported();
}
int csystem_restrict_thread(int network) { return network ? 0 : unsupported(); }
int csystem_limit_memory(pid_t process, long long bytes) { return (void)process, (void)bytes, 0; }

#endif
