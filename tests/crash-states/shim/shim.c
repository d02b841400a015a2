/*
 * Loaded before libc (LD_PRELOAD), writes down everything that a process does to the files below CRASH_ROOT, and what it
 * receives and sends on the TCP connections that it accepts, into the file CRASH_LOG, in one order.
 *
 * The order is that of one mutex, which is held over the system call and its entry. Only a sync is two entries: what was
 * written before the first is on the disk at the second, and others go on in between.
 *
 * An entry, all integers little-endian, is laid out in trace/operations.ts.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { START = 1, OPEN, CLOSE, WRITE, LENGTH, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, SEND, RECEIVE, ACCEPT };
enum { NOTHING = 0, IN_ROOT, CONNECTION };
#define DESCRIPTORS 65536
#define PATH_BYTES 4096

struct entry {
  uint32_t kind;
  int32_t descriptor;
  uint64_t offset;
  uint64_t value;
  uint32_t pathBytes;
  uint32_t dataBytes;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned char known[DESCRIPTORS];
static char root[PATH_BYTES];
static size_t rootBytes;
static int logDescriptor = -1;

/* The system calls themselves: libc's own function for them is among what is taken over here. */
#if defined(__x86_64__)
static long raw(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
static long raw(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
#else
#error "the system calls of this processor are not known here"
#endif

static long call(long n, long a, long b, long c, long d, long e, long f) {
  long result = raw(n, a, b, c, d, e, f);
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

/* Something that is missing from the log would make all that is concluded from it wrong. */
static void fail(const char *what) {
  raw(SYS_write, 2, (long)what, (long)strlen(what), 0, 0, 0);
  raw(SYS_exit_group, 97, 0, 0, 0, 0, 0);
}

static void append(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    long written = raw(SYS_write, logDescriptor, (long)at, (long)length, 0, 0, 0);
    if (written == -EINTR) continue;
    if (written <= 0) fail("the log of the file system's operations cannot be written\n");
    at += written;
    length -= (size_t)written;
  }
}

/* With the mutex held. */
static void note(uint32_t kind, int descriptor, uint64_t offset, uint64_t value, const char *path, size_t pathBytes,
                 const void *data, size_t dataBytes) {
  struct entry entry = {kind, descriptor, offset, value, (uint32_t)pathBytes, (uint32_t)dataBytes};
  append(&entry, sizeof entry);
  if (pathBytes > 0) append(path, pathBytes);
  if (dataBytes > 0) append(data, dataBytes);
}

static void noteVector(uint32_t kind, int descriptor, uint64_t offset, const struct iovec *vector, int count,
                       size_t length) {
  struct entry entry = {kind, descriptor, offset, 0, 0, (uint32_t)length};
  append(&entry, sizeof entry);
  for (int i = 0; i < count && length > 0; i++) {
    size_t part = vector[i].iov_len < length ? vector[i].iov_len : length;
    append(vector[i].iov_base, part);
    length -= part;
  }
}

__attribute__((constructor)) static void begin(void) {
  const char *folder = getenv("CRASH_ROOT");
  const char *file = getenv("CRASH_LOG");
  if (folder == NULL || file == NULL) return;
  rootBytes = strlen(folder);
  if (rootBytes >= sizeof root) fail("CRASH_ROOT is too long\n");
  memcpy(root, folder, rootBytes + 1);
  logDescriptor =
      (int)raw(SYS_openat, AT_FDCWD, (long)file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600, 0, 0);
  if (logDescriptor < 0) fail("CRASH_LOG cannot be opened\n");
  note(START, 0, 0, (uint64_t)getpid(), NULL, 0, NULL, 0);
}

static int kindOf(int descriptor) {
  return descriptor >= 0 && descriptor < DESCRIPTORS ? known[descriptor] : NOTHING;
}

static void know(int descriptor, unsigned char kind) {
  if (descriptor < 0) return;
  if (descriptor >= DESCRIPTORS) fail("more files are open than the log can tell apart\n");
  known[descriptor] = kind;
}

/* The path from the root on, or NULL when it does not lie there. */
static const char *below(int folder, const char *path, char *space) {
  if (logDescriptor < 0) return NULL;
  const char *whole = path;
  if (path[0] != '/') {
    char link[64];
    if (folder == AT_FDCWD) snprintf(link, sizeof link, "/proc/self/cwd");
    else snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    long length = raw(SYS_readlinkat, AT_FDCWD, (long)link, (long)space, PATH_BYTES - 1, 0, 0);
    if (length < 0) return NULL;
    if ((size_t)length + strlen(path) + 2 > PATH_BYTES) return NULL;
    space[length] = '/';
    strcpy(space + length + 1, path);
    whole = space;
  }
  if (strncmp(whole, root, rootBytes) != 0) return NULL;
  const char *rest = whole + rootBytes;
  if (*rest != '/' && *rest != 0) return NULL;
  while (*rest == '/') rest++;
  return rest;
}

static int openAt(int folder, const char *path, int flags, mode_t mode) {
  char space[PATH_BYTES];
  const char *inside = below(folder, path, space);
  if (inside == NULL) {
    int descriptor = (int)call(SYS_openat, folder, (long)path, flags, mode, 0, 0);
    know(descriptor, NOTHING);
    return descriptor;
  }
  pthread_mutex_lock(&mutex);
  int descriptor = (int)call(SYS_openat, folder, (long)path, flags, mode, 0, 0);
  int error = errno;
  know(descriptor, IN_ROOT);
  if (descriptor >= 0) note(OPEN, descriptor, 0, (uint64_t)flags, inside, strlen(inside), NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return descriptor;
}

static mode_t modeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(arguments, int) : 0;
}

#define OPENS(name)                            \
  int name(const char *path, int flags, ...) { \
    va_list arguments;                         \
    va_start(arguments, flags);                \
    mode_t mode = modeOf(flags, arguments);    \
    va_end(arguments);                         \
    return openAt(AT_FDCWD, path, flags, mode); \
  }
#define OPENS_AT(name)                                     \
  int name(int folder, const char *path, int flags, ...) { \
    va_list arguments;                                     \
    va_start(arguments, flags);                            \
    mode_t mode = modeOf(flags, arguments);                \
    va_end(arguments);                                     \
    return openAt(folder, path, flags, mode);              \
  }
OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
int __open_2(const char *path, int flags) { return openAt(AT_FDCWD, path, flags, 0); }
int __open64_2(const char *path, int flags) { return openAt(AT_FDCWD, path, flags, 0); }
int creat(const char *path, mode_t mode) { return openAt(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int descriptor) {
  if (kindOf(descriptor) == NOTHING) return (int)call(SYS_close, descriptor, 0, 0, 0, 0, 0);
  pthread_mutex_lock(&mutex);
  known[descriptor] = NOTHING;
  note(CLOSE, descriptor, 0, 0, NULL, 0, NULL, 0);
  int result = (int)call(SYS_close, descriptor, 0, 0, 0, 0, 0);
  int error = errno;
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}

/* libuv closes by this. */
long syscall(long number, ...) {
  va_list arguments;
  va_start(arguments, number);
  long a = va_arg(arguments, long), b = va_arg(arguments, long), c = va_arg(arguments, long);
  long d = va_arg(arguments, long), e = va_arg(arguments, long), f = va_arg(arguments, long);
  va_end(arguments);
  if (number == SYS_close) return close((int)a);
  return call(number, a, b, c, d, e, f);
}

static ssize_t writeAt(int descriptor, const void *bytes, size_t length, int64_t offset) {
  pthread_mutex_lock(&mutex);
  ssize_t written = offset < 0 ? call(SYS_write, descriptor, (long)bytes, (long)length, 0, 0, 0)
                               : call(SYS_pwrite64, descriptor, (long)bytes, (long)length, offset, 0, 0);
  int error = errno;
  if (written > 0) {
    if (offset < 0) offset = raw(SYS_lseek, descriptor, 0, SEEK_CUR, 0, 0, 0) - written;
    note(WRITE, descriptor, (uint64_t)offset, 0, NULL, 0, bytes, (size_t)written);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return written;
}

static ssize_t writeVectorAt(int descriptor, const struct iovec *vector, int count, int64_t offset) {
  pthread_mutex_lock(&mutex);
  ssize_t written = offset < 0 ? call(SYS_writev, descriptor, (long)vector, count, 0, 0, 0)
                               : call(SYS_pwritev, descriptor, (long)vector, count, offset, 0, 0);
  int error = errno;
  if (written > 0) {
    if (offset < 0) offset = raw(SYS_lseek, descriptor, 0, SEEK_CUR, 0, 0, 0) - written;
    noteVector(WRITE, descriptor, (uint64_t)offset, vector, count, (size_t)written);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return written;
}

static ssize_t sendBytes(int descriptor, const void *bytes, size_t length) {
  pthread_mutex_lock(&mutex);
  ssize_t sent = call(SYS_write, descriptor, (long)bytes, (long)length, 0, 0, 0);
  int error = errno;
  if (sent > 0) note(SEND, descriptor, 0, 0, NULL, 0, bytes, (size_t)sent);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return sent;
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
  int kind = kindOf(descriptor);
  if (kind == IN_ROOT) return writeAt(descriptor, bytes, length, -1);
  if (kind == CONNECTION) return sendBytes(descriptor, bytes, length);
  return call(SYS_write, descriptor, (long)bytes, (long)length, 0, 0, 0);
}

ssize_t writev(int descriptor, const struct iovec *vector, int count) {
  int kind = kindOf(descriptor);
  if (kind == IN_ROOT) return writeVectorAt(descriptor, vector, count, -1);
  if (kind == NOTHING) return call(SYS_writev, descriptor, (long)vector, count, 0, 0, 0);
  pthread_mutex_lock(&mutex);
  ssize_t sent = call(SYS_writev, descriptor, (long)vector, count, 0, 0, 0);
  int error = errno;
  if (sent > 0) noteVector(SEND, descriptor, 0, vector, count, (size_t)sent);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return sent;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t length, off64_t offset) {
  if (kindOf(descriptor) == IN_ROOT) return writeAt(descriptor, bytes, length, offset);
  return call(SYS_pwrite64, descriptor, (long)bytes, (long)length, offset, 0, 0);
}
ssize_t pwrite(int descriptor, const void *bytes, size_t length, off_t offset) {
  return pwrite64(descriptor, bytes, length, offset);
}
ssize_t pwritev64(int descriptor, const struct iovec *vector, int count, off64_t offset) {
  if (kindOf(descriptor) == IN_ROOT) return writeVectorAt(descriptor, vector, count, offset);
  return call(SYS_pwritev, descriptor, (long)vector, count, offset, 0, 0);
}
ssize_t pwritev(int descriptor, const struct iovec *vector, int count, off_t offset) {
  return pwritev64(descriptor, vector, count, offset);
}

ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
  if (kindOf(descriptor) == CONNECTION) return sendBytes(descriptor, bytes, length);
  return call(SYS_sendto, descriptor, (long)bytes, (long)length, flags, 0, 0);
}

ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags) {
  if (kindOf(descriptor) != CONNECTION) return call(SYS_sendmsg, descriptor, (long)message, flags, 0, 0, 0);
  return writev(descriptor, message->msg_iov, (int)message->msg_iovlen);
}

static ssize_t receiveBytes(int descriptor, void *bytes, size_t length) {
  pthread_mutex_lock(&mutex);
  ssize_t received = call(SYS_read, descriptor, (long)bytes, (long)length, 0, 0, 0);
  int error = errno;
  if (received > 0) note(RECEIVE, descriptor, 0, 0, NULL, 0, bytes, (size_t)received);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return received;
}

ssize_t read(int descriptor, void *bytes, size_t length) {
  if (kindOf(descriptor) == CONNECTION) return receiveBytes(descriptor, bytes, length);
  return call(SYS_read, descriptor, (long)bytes, (long)length, 0, 0, 0);
}
ssize_t __read_chk(int descriptor, void *bytes, size_t length, size_t room) {
  if (length > room) abort();
  return read(descriptor, bytes, length);
}
ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
  if (kindOf(descriptor) == CONNECTION && flags == 0) return receiveBytes(descriptor, bytes, length);
  return call(SYS_recvfrom, descriptor, (long)bytes, (long)length, flags, 0, 0);
}

static int accepted(int descriptor) {
  if (descriptor < 0 || logDescriptor < 0) return descriptor;
  int error = errno;
  pthread_mutex_lock(&mutex);
  know(descriptor, CONNECTION);
  note(ACCEPT, descriptor, 0, 0, NULL, 0, NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return descriptor;
}

int accept4(int listener, __SOCKADDR_ARG address, socklen_t *length, int flags) {
  return accepted((int)call(SYS_accept4, listener, (long)address.__sockaddr__, (long)length, flags, 0, 0));
}
int accept(int listener, __SOCKADDR_ARG address, socklen_t *length) {
  return accept4(listener, address, length, 0);
}

static int syncFile(int descriptor, long number) {
  int isKnown = kindOf(descriptor) == IN_ROOT;
  if (isKnown) {
    pthread_mutex_lock(&mutex);
    note(SYNC_BEGIN, descriptor, 0, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
  }
  int result = (int)call(number, descriptor, 0, 0, 0, 0, 0);
  int error = errno;
  if (isKnown && result == 0) {
    pthread_mutex_lock(&mutex);
    note(SYNC_END, descriptor, 0, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&mutex);
  }
  errno = error;
  return result;
}
int fsync(int descriptor) { return syncFile(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return syncFile(descriptor, SYS_fdatasync); }

/* The new length of the file after a call that may change it. */
static int changeLength(int descriptor, long number, long a, long b, long c) {
  if (kindOf(descriptor) != IN_ROOT) return (int)call(number, descriptor, a, b, c, 0, 0);
  pthread_mutex_lock(&mutex);
  int result = (int)call(number, descriptor, a, b, c, 0, 0);
  int error = errno;
  if (result == 0) {
    long position = raw(SYS_lseek, descriptor, 0, SEEK_CUR, 0, 0, 0);
    long length = raw(SYS_lseek, descriptor, 0, SEEK_END, 0, 0, 0);
    raw(SYS_lseek, descriptor, position, SEEK_SET, 0, 0, 0);
    note(LENGTH, descriptor, 0, (uint64_t)length, NULL, 0, NULL, 0);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int ftruncate64(int descriptor, off64_t length) { return changeLength(descriptor, SYS_ftruncate, length, 0, 0); }
int ftruncate(int descriptor, off_t length) { return ftruncate64(descriptor, length); }
int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
  return changeLength(descriptor, SYS_fallocate, mode, offset, length);
}
int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  return fallocate64(descriptor, mode, offset, length);
}
int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
  return fallocate64(descriptor, 0, offset, length) == 0 ? 0 : errno;
}
int posix_fallocate(int descriptor, off_t offset, off_t length) {
  return posix_fallocate64(descriptor, offset, length);
}

/* By a path, which nothing here is known to do: it would be missing from the log. */
int truncate64(const char *path, off64_t length) {
  char space[PATH_BYTES];
  if (below(AT_FDCWD, path, space) != NULL) fail("truncate by a path is not logged\n");
  return (int)call(SYS_truncate, (long)path, length, 0, 0, 0, 0);
}
int truncate(const char *path, off_t length) { return truncate64(path, length); }

static int changeName(uint32_t kind, int folder, const char *path, long number, long a, long b, long c, long d) {
  char space[PATH_BYTES];
  const char *inside = below(folder, path, space);
  if (inside == NULL) return (int)call(number, a, b, c, d, 0, 0);
  pthread_mutex_lock(&mutex);
  int result = (int)call(number, a, b, c, d, 0, 0);
  int error = errno;
  if (result == 0) note(kind, 0, 0, 0, inside, strlen(inside), NULL, 0);
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int unlinkat(int folder, const char *path, int flags) {
  return changeName(UNLINK, folder, path, SYS_unlinkat, folder, (long)path, flags, 0);
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char *path) {
  int result = unlink(path);
  return result != 0 && errno == EISDIR ? rmdir(path) : result;
}
int mkdirat(int folder, const char *path, mode_t mode) {
  return changeName(MKDIR, folder, path, SYS_mkdirat, folder, (long)path, mode, 0);
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int renameat2(int fromFolder, const char *from, int toFolder, const char *to, unsigned int flags) {
  char fromSpace[PATH_BYTES], toSpace[PATH_BYTES], both[2 * PATH_BYTES];
  const char *fromInside = below(fromFolder, from, fromSpace);
  const char *toInside = below(toFolder, to, toSpace);
  if (fromInside == NULL && toInside == NULL) {
    return (int)call(SYS_renameat2, fromFolder, (long)from, toFolder, (long)to, flags, 0);
  }
  if (fromInside == NULL || toInside == NULL || flags != 0) fail("a rename into or out of the folder is not logged\n");
  pthread_mutex_lock(&mutex);
  int result = (int)call(SYS_renameat2, fromFolder, (long)from, toFolder, (long)to, 0, 0);
  int error = errno;
  if (result == 0) {
    int length = snprintf(both, sizeof both, "%s%c%s", fromInside, 0, toInside);
    note(RENAME, 0, 0, 0, both, (size_t)length, NULL, 0);
  }
  pthread_mutex_unlock(&mutex);
  errno = error;
  return result;
}
int renameat(int fromFolder, const char *from, int toFolder, const char *to) {
  return renameat2(fromFolder, from, toFolder, to, 0);
}
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

/* A process that kills itself does so between two entries, so that the log has all that it did. */
int kill(pid_t pid, int number) {
  if (logDescriptor >= 0 && number == SIGKILL && pid == getpid()) pthread_mutex_lock(&mutex);
  return (int)call(SYS_kill, pid, number, 0, 0, 0, 0);
}
