#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#ifdef __APPLE__
#include <sys/mount.h>
#endif

#ifdef __linux__
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#endif

static const int read_flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

// O_PATH asks for search permission only, as ordinary path resolution does.
#ifdef O_PATH
static const int folder_flags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
#else
static const int folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
#endif

enum {
  max_links = 40,  // as Linux itself
  max_depth = 64,  // folders held open at once while a path is walked
};

// A walk from a root downwards: the folders passed so far, and the part of the path still to go.
struct walk {
  int folders[max_depth + 1];
  int depth;
  int links;
  char rest[PATH_MAX];
};

static int fail(int code) {
  errno = code;
  return -1;
}

// Cuts the first name off the rest. Returns 1, 0 when only slashes are left, or -1 with errno for a name that is
// too long for any file: cut to NAME_MAX it could name another one.
static int take_name(struct walk *walk, char name[NAME_MAX + 1]) {
  size_t start = strspn(walk->rest, "/");
  size_t length = strcspn(walk->rest + start, "/");
  if (length == 0) return 0;
  if (length > NAME_MAX) return fail(ENAMETOOLONG);
  memcpy(name, walk->rest + start, length);
  name[length] = 0;
  const char *next = walk->rest + start + length;
  memmove(walk->rest, next, strlen(next) + 1);
  return 1;
}

static bool is_last(const struct walk *walk) {
  return walk->rest[strspn(walk->rest, "/")] == 0;
}

// Puts the target of a link in front of the rest.
static int follow(struct walk *walk, const char *name) {
  char target[PATH_MAX];
  ssize_t size = readlinkat(walk->folders[walk->depth], name, target, sizeof target);
  if (size < 0) return -1;
  if (++walk->links > max_links) return fail(ELOOP);
  if (size == 0) return fail(ENOENT);
  if (target[0] == '/') return fail(EXDEV);
  size_t rest = strlen(walk->rest);
  if ((size_t)size + 1 + rest + 1 > sizeof walk->rest) return fail(ENAMETOOLONG);
  memmove(walk->rest + size + 1, walk->rest, rest + 1);
  memcpy(walk->rest, target, (size_t)size);
  walk->rest[size] = '/';
  return 0;
}

// One step up or down. Returns the descriptor of the last name, -2 to go on, -1 with errno.
static int step(struct walk *walk, const char *name) {
  if (strcmp(name, ".") == 0) return -2;
  if (strcmp(name, "..") == 0) {
    if (walk->depth == 0) return fail(EXDEV);
    close(walk->folders[walk->depth--]);
    return -2;
  }
  bool last = is_last(walk);
  int flags = last ? read_flags | O_NOFOLLOW : folder_flags;
  int fd = openat(walk->folders[walk->depth], name, flags);
  if (fd >= 0 && last) return fd;
  if (fd >= 0) {
    if (walk->depth == max_depth) {
      close(fd);
      return fail(ENAMETOOLONG);
    }
    walk->folders[++walk->depth] = fd;
    return -2;
  }
  // A link gives ELOOP, or ENOTDIR together with O_DIRECTORY; readlinkat tells it from the rest.
  int code = errno;
  if (code != ELOOP && code != ENOTDIR) return -1;
  if (follow(walk, name) == 0) return -2;
  return errno == EINVAL ? fail(code) : -1;
}

int csystem_open_beneath_portably(int root, const char *path) {
  if (path[0] == '/') return fail(EXDEV);
  struct walk walk = {.depth = 0};
  walk.folders[0] = root;
  size_t length = strlen(path);
  if (length == 0) return fail(ENOENT);
  if (length >= sizeof walk.rest) return fail(ENAMETOOLONG);
  memcpy(walk.rest, path, length + 1);

  char name[NAME_MAX + 1];
  int fd = -2, taken = 1;
  while (fd == -2 && (taken = take_name(&walk, name)) > 0) fd = step(&walk, name);
  if (taken < 0) fd = -1;
  // A path that ends in a folder that was passed already: `a/..` or `.`.
  if (fd == -2) fd = openat(walk.folders[walk.depth], ".", read_flags);
  int code = errno;
  while (walk.depth > 0) close(walk.folders[walk.depth--]);
  errno = code;
  return fd;
}

int csystem_open_beneath(int root, const char *path) {
#ifdef __linux__
  struct open_how how = {
    .flags = (unsigned long long)read_flags,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  // EAGAIN: somebody renamed a folder during a `..`; doing so all the time must not hold us up.
  for (int attempt = 0; attempt < 128; attempt++) {
    long fd = syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0) return (int)fd;
    if (errno != EINTR && errno != EAGAIN) break;
  }
  // ENOSYS comes from kernels before 5.6, EPERM from seccomp filters that do not know the call.
  if (errno != ENOSYS && errno != EPERM) return -1;
#endif
  return csystem_open_beneath_portably(root, path);
}

extern char **environ;

char *const *csystem_environment(void) { return environ; }

int csystem_is_ignored(int number) {
  struct sigaction action;
  return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void csystem_harden(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

void csystem_raise_file_limit(void) {
  // What is started gets it too, which harms no one: its descriptors begin at 3 all the same, and a program that closes
  // all it could have has no million of them to try.
  const rlim_t enough = 65536;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= enough) return;
  limit.rlim_cur = limit.rlim_max < enough ? limit.rlim_max : enough;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void csystem_return_large_blocks(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 2 << 20);
#endif
}

void csystem_return_free_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void csystem_keep_large_blocks(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that glibc takes
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

int csystem_reserve(int fd, long long offset, long long length) {
#if defined(__linux__)
  return fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length);
#elif defined(__APPLE__)
  (void)offset;
  fstore_t request = {.fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = (off_t)length};
  return fcntl(fd, F_PREALLOCATE, &request);
#else
  (void)fd, (void)offset, (void)length;
  errno = EOPNOTSUPP;
  return -1;
#endif
}

int csystem_allowed_processors(void) {
#ifdef __linux__
  // The kernel refuses a set that is smaller than its own, which has as many bits as it was built for.
  for (int bits = 1024; bits <= 1 << 20; bits *= 4) {
    cpu_set_t *set = CPU_ALLOC(bits);
    if (!set) return 0;
    int code = sched_getaffinity(0, CPU_ALLOC_SIZE(bits), set);
    int count = code == 0 ? CPU_COUNT_S(CPU_ALLOC_SIZE(bits), set) : 0;
    CPU_FREE(set);
    if (code == 0 || errno != EINVAL) return count;
  }
#endif
  return 0;
}

int csystem_open_nameless(const char *folder) {
#if defined(O_TMPFILE)
  // Without /proc it could not get a name later.
  if (access("/proc/self/fd", X_OK) == 0) {
    int fd = open(folder, O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    // EISDIR is what a kernel says that does not know the flag.
    if (fd >= 0 || errno != EISDIR) return fd;
  }
#else
  (void)folder;
#endif
  errno = EOPNOTSUPP;
  return -1;
}

int csystem_name_file(int fd, const char *path) {
  char self[32];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int csystem_is_remote(int fd) {
#if defined(__linux__)
  struct statfs status;
  if (fstatfs(fd, &status) != 0) return 0;
  switch ((unsigned long)status.f_type) {
  case NFS_SUPER_MAGIC:
  case V9FS_MAGIC:
  case SMB_SUPER_MAGIC:
  case CIFS_SUPER_MAGIC:
  case SMB2_SUPER_MAGIC:
  case CEPH_SUPER_MAGIC:
  case FUSE_SUPER_MAGIC:
    return 1;
  default:
    return 0;
  }
#elif defined(__APPLE__)
  struct statfs status;
  return fstatfs(fd, &status) == 0 && (status.f_flags & MNT_LOCAL) == 0;
#else
  (void)fd;
  return 0;
#endif
}
