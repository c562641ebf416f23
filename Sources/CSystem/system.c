#define _GNU_SOURCE
#include "CSystem.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

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

// Without openat2 (kernels before 5.6, seccomp filters, other systems): resolve, compare, open without
// following a last link. A link swapped in between the two steps is the known weakness of this way.
static int open_resolved(int root, const char *path) {
  char base[PATH_MAX], joined[PATH_MAX], resolved[PATH_MAX];
  if (path[0] == '/') { errno = EXDEV; return -1; }
#ifdef __linux__
  char link[64];
  int length = 0;
  const char *prefix = "/proc/self/fd/";
  memcpy(link, prefix, strlen(prefix));
  length = (int)strlen(prefix);
  char digits[12];
  int count = 0, number = root;
  do { digits[count++] = (char)('0' + number % 10); number /= 10; } while (number > 0);
  while (count > 0) link[length++] = digits[--count];
  link[length] = 0;
  ssize_t size = readlink(link, base, sizeof base - 1);
  if (size < 0) return -1;
  base[size] = 0;
#else
  if (fcntl(root, F_GETPATH, base) < 0) return -1;
#endif
  size_t base_length = strlen(base), path_length = strlen(path);
  if (base_length + path_length + 2 > sizeof joined) { errno = ENAMETOOLONG; return -1; }
  memcpy(joined, base, base_length);
  joined[base_length] = '/';
  memcpy(joined + base_length + 1, path, path_length + 1);
  if (!realpath(joined, resolved)) return -1;
  if (base_length > 1 && (strncmp(resolved, base, base_length) != 0 || resolved[base_length] != '/')) {
    errno = EXDEV;
    return -1;
  }
  return open(resolved, read_flags | O_NOFOLLOW);
}

int csystem_open_beneath(int root, const char *path) {
#ifdef __linux__
  struct open_how how = {
    .flags = (unsigned long long)read_flags,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
  };
  long fd;
  do { fd = syscall(SYS_openat2, root, path, &how, sizeof how); } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) return (int)fd;
#endif
  return open_resolved(root, path);
}

void csystem_harden(void) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
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
