/*
 * Makes a disk fail, fill up or be slow, and a clock jump, for the process that it is loaded into (LD_PRELOAD): only for
 * files below the folder FAULTS_FOLDER, and as the numbers in the file FAULTS_CONTROL say, which fault-shim.ts writes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The order of fault-shim.ts. */
struct control {
  int32_t failing, error, skip, times, sync_delay_ms, clock_offset_s, is_full;
  int32_t failed, delayed, clock_reads, room_asked;
};

enum { WRITES = 1, SYNCS = 2, OPENS = 4, OTHERS = 8 };
enum { DESCRIPTORS = 1 << 16 };

static struct control none;
static struct control *control = &none;
static const char *folder;
static size_t folder_length;
static unsigned char tracked[DESCRIPTORS];

#define REAL(type, name, ...) \
  static type (*real_##name)(__VA_ARGS__); \
  if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("FAULTS_CONTROL");
  folder = getenv("FAULTS_FOLDER");
  if (!path || !folder) return;
  folder_length = strlen(folder);
  int descriptor = (int)open(path, O_RDWR);
  if (descriptor < 0) return;
  void *memory = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory != MAP_FAILED) control = memory;
  close(descriptor);
}

static int is_ours(const char *path) {
  return folder && path && strncmp(path, folder, folder_length) == 0;
}

static int is_tracked(int descriptor) {
  return descriptor >= 0 && descriptor < DESCRIPTORS && tracked[descriptor];
}

static int32_t get(int32_t *place) { return __atomic_load_n(place, __ATOMIC_SEQ_CST); }
static void count(int32_t *place) { __atomic_fetch_add(place, 1, __ATOMIC_SEQ_CST); }

static int fails(int call) {
  if (call == WRITES && get(&control->is_full)) {
    count(&control->failed);
    errno = ENOSPC;
    return 1;
  }
  if (!(get(&control->failing) & call)) return 0;
  if (get(&control->skip) > 0 && __atomic_fetch_sub(&control->skip, 1, __ATOMIC_SEQ_CST) > 0) return 0;
  int32_t times = get(&control->times);
  if (times == 0) return 0;
  if (times > 0 && __atomic_fetch_sub(&control->times, 1, __ATOMIC_SEQ_CST) <= 0) return 0;
  count(&control->failed);
  errno = get(&control->error);
  /* Instead of an error, the end. */
  if (errno == 0) kill(getpid(), SIGKILL);
  return 1;
}

static void delay_sync(void) {
  int32_t ms = get(&control->sync_delay_ms);
  if (ms <= 0) return;
  count(&control->delayed);
  struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
  nanosleep(&time, NULL);
}

static int opened(const char *path, int descriptor) {
  if (descriptor >= 0 && descriptor < DESCRIPTORS) tracked[descriptor] = is_ours(path);
  return descriptor;
}

static mode_t mode_of(int flags, va_list list) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    REAL(int, name, const char *, int, ...); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = mode_of(flags, list); \
    va_end(list); \
    if (is_ours(path) && fails(OPENS)) return -1; \
    return opened(path, real_##name(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name) \
  int name(int at, const char *path, int flags, ...) { \
    REAL(int, name, int, const char *, int, ...); \
    va_list list; \
    va_start(list, flags); \
    mode_t mode = mode_of(flags, list); \
    va_end(list); \
    if (is_ours(path) && fails(OPENS)) return -1; \
    return opened(path, real_##name(at, path, flags, mode)); \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int descriptor) {
  REAL(int, close, int);
  if (descriptor >= 0 && descriptor < DESCRIPTORS) tracked[descriptor] = 0;
  return real_close(descriptor);
}

ssize_t write(int descriptor, const void *bytes, size_t length) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (is_tracked(descriptor) && fails(WRITES)) return -1;
  return real_write(descriptor, bytes, length);
}

ssize_t writev(int descriptor, const struct iovec *pieces, int pieces_count) {
  REAL(ssize_t, writev, int, const struct iovec *, int);
  if (is_tracked(descriptor) && fails(WRITES)) return -1;
  return real_writev(descriptor, pieces, pieces_count);
}

#define PWRITE(name, offset_type) \
  ssize_t name(int descriptor, const void *bytes, size_t length, offset_type position) { \
    REAL(ssize_t, name, int, const void *, size_t, offset_type); \
    if (is_tracked(descriptor) && fails(WRITES)) return -1; \
    return real_##name(descriptor, bytes, length, position); \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define PWRITEV(name, offset_type) \
  ssize_t name(int descriptor, const struct iovec *pieces, int pieces_count, offset_type position) { \
    REAL(ssize_t, name, int, const struct iovec *, int, offset_type); \
    if (is_tracked(descriptor) && fails(WRITES)) return -1; \
    return real_##name(descriptor, pieces, pieces_count, position); \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define SYNC(name) \
  int name(int descriptor) { \
    REAL(int, name, int); \
    if (is_tracked(descriptor)) { \
      delay_sync(); \
      if (fails(SYNCS)) return -1; \
    } \
    return real_##name(descriptor); \
  }
SYNC(fsync)
SYNC(fdatasync)

#define FTRUNCATE(name, offset_type) \
  int name(int descriptor, offset_type length) { \
    REAL(int, name, int, offset_type); \
    if (is_tracked(descriptor) && fails(OTHERS)) return -1; \
    return real_##name(descriptor, length); \
  }
FTRUNCATE(ftruncate, off_t)
FTRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  if (is_ours(from) && fails(OTHERS)) return -1;
  return real_rename(from, to);
}

int unlink(const char *path) {
  REAL(int, unlink, const char *);
  if (is_ours(path) && fails(OTHERS)) return -1;
  return real_unlink(path);
}

#define STATFS(name, buffer_type) \
  int name(const char *path, buffer_type *result) { \
    REAL(int, name, const char *, buffer_type *); \
    int code = real_##name(path, result); \
    if (code == 0 && is_ours(path) && get(&control->is_full)) { \
      count(&control->room_asked); \
      result->f_bavail = 0; \
    } \
    return code; \
  }
STATFS(statfs, struct statfs)
STATFS(statfs64, struct statfs64)

int clock_gettime(clockid_t clock, struct timespec *time) {
  REAL(int, clock_gettime, clockid_t, struct timespec *);
  int code = real_clock_gettime(clock, time);
  int32_t offset = get(&control->clock_offset_s);
  if (code == 0 && offset != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    count(&control->clock_reads);
    time->tv_sec += offset;
  }
  return code;
}

int gettimeofday(struct timeval *time, void *zone) {
  REAL(int, gettimeofday, struct timeval *, void *);
  int code = real_gettimeofday(time, zone);
  int32_t offset = get(&control->clock_offset_s);
  if (code == 0 && offset != 0) {
    count(&control->clock_reads);
    time->tv_sec += offset;
  }
  return code;
}
