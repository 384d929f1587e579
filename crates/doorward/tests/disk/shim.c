/* Stands between a program and its disk: makes chosen calls that write into one folder fail, and keeps a log of all
 * that succeed and of every sync, from which a test can say what a power cut would have left.
 *
 * Loaded by LD_PRELOAD. DISK_FOLDER names the folder, DISK_CONTROL a file of ten words that the test writes and reads,
 * DISK_LOG the log. Everything happens under one lock, so that the order in the log is the order on the disk. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The words of the control file; `disk/shim.rs` has the same list. */
enum { ARMED, CALLS, FILES, FIRST, COUNT, ERROR, HALF, SEEN, MADE, WORDS };
enum { CALL_WRITE = 1, CALL_SYNC = 2, CALL_TRUNCATE = 4 };

static volatile uint64_t *control;
static char folder[PATH_MAX];
static int journal = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("DISK_FOLDER"), *words = getenv("DISK_CONTROL"), *log = getenv("DISK_LOG");
    if (!where || !words || !log || strlen(where) >= sizeof folder)
        return;
    strcpy(folder, where);
    int file = open(words, O_RDWR | O_CLOEXEC);
    void *map = mmap(NULL, WORDS * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    journal = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (map == MAP_FAILED || journal < 0) {
        fputs("the disk shim cannot be set up\n", stderr);
        abort();
    }
    control = map;
}

/* The name of an open file inside the folder, or NULL for any other file. */
static const char *name_of(int fd, char path[PATH_MAX]) {
    char link[32];
    if (!control)
        return NULL;
    int kept = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    errno = kept;
    if (length < 0)
        return NULL;
    path[length] = 0;
    size_t prefix = strlen(folder);
    return !strncmp(path, folder, prefix) && path[prefix] == '/' ? path + prefix + 1 : NULL;
}

static uint64_t kind_of(const char *name) {
    if (!strcmp(name, "doorward.db"))
        return 1;
    if (!strcmp(name, "doorward.db-wal"))
        return 2;
    if (!strcmp(name, "doorward.db-shm"))
        return 4;
    return 8;
}

/* Counts a call; says whether it fails, and whether it is the first that does. Under the lock. */
static int strikes(const char *name, uint64_t call, int *first) {
    if (!control[ARMED] || !(control[CALLS] & call) || !(control[FILES] & kind_of(name)))
        return 0;
    uint64_t number = ++control[SEEN];
    if (number < control[FIRST] || number - control[FIRST] >= control[COUNT])
        return 0;
    control[MADE]++;
    *first = number == control[FIRST];
    return 1;
}

static void note(char what, const char *name, uint64_t place, uint64_t length, const void *bytes) {
    struct { char what; unsigned char name; uint64_t place, length; } __attribute__((packed)) head =
        { what, (unsigned char)strlen(name), place, length };
    struct iovec parts[3] = { { &head, sizeof head }, { (void *)name, head.name }, { (void *)bytes, bytes ? length : 0 } };
    int kept = errno;
    if (syscall(SYS_writev, journal, parts, 3) < 0)
        abort();
    errno = kept;
}

static ssize_t write_at(int fd, const char *name, const void *bytes, size_t length, off_t place) {
    int first = 0;
    pthread_mutex_lock(&lock);
    ssize_t done = -1;
    if (strikes(name, CALL_WRITE, &first)) {
        if (first && control[HALF] && length > 1)
            done = syscall(SYS_pwrite64, fd, bytes, length / 2, place);
        else
            errno = (int)control[ERROR];
    } else {
        done = syscall(SYS_pwrite64, fd, bytes, length, place);
    }
    if (done > 0)
        note('w', name, (uint64_t)place, (uint64_t)done, bytes);
    else if (done < 0)
        note('x', name, 0, 0, NULL);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t place) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    return name ? write_at(fd, name, bytes, length, place) : syscall(SYS_pwrite64, fd, bytes, length, place);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t place) {
    return pwrite(fd, bytes, length, place);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name)
        return syscall(SYS_write, fd, bytes, length);
    ssize_t done = write_at(fd, name, bytes, length, lseek(fd, 0, SEEK_CUR));
    if (done > 0)
        lseek(fd, done, SEEK_CUR);
    return done;
}

static int sync_with(long call, int fd) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name)
        return (int)syscall(call, fd);
    int first = 0, done = -1;
    pthread_mutex_lock(&lock);
    if (strikes(name, CALL_SYNC, &first))
        errno = (int)control[ERROR];
    else
        done = (int)syscall(call, fd);
    note(done ? 'f' : 's', name, 0, 0, NULL);
    pthread_mutex_unlock(&lock);
    return done;
}

int fsync(int fd) {
    return sync_with(SYS_fsync, fd);
}

int fdatasync(int fd) {
    return sync_with(SYS_fdatasync, fd);
}

int ftruncate(int fd, off_t length) {
    char path[PATH_MAX];
    const char *name = name_of(fd, path);
    if (!name)
        return (int)syscall(SYS_ftruncate, fd, length);
    int first = 0, done = -1;
    pthread_mutex_lock(&lock);
    if (strikes(name, CALL_TRUNCATE, &first))
        errno = (int)control[ERROR];
    else
        done = (int)syscall(SYS_ftruncate, fd, length);
    note(done ? 'x' : 't', name, done ? 0 : (uint64_t)length, 0, NULL);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off_t length) {
    return ftruncate(fd, length);
}

int unlink(const char *path) {
    int done = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    size_t prefix = strlen(folder);
    if (!done && control && !strncmp(path, folder, prefix) && path[prefix] == '/') {
        pthread_mutex_lock(&lock);
        note('u', path + prefix + 1, 0, 0, NULL);
        pthread_mutex_unlock(&lock);
    }
    return done;
}
