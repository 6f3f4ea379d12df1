/* A disk that takes 5 ms for each sync, for measuring:
 *
 *   cc -shared -fPIC -o target/slow_sync.so benches/send/slow_sync.c
 *   LD_PRELOAD=target/slow_sync.so cargo bench --bench send -- 40000 10 who=slugline
 *
 * Syncs wait in a line, as they do before a disk. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;

static int slow(long call, int file) {
    struct timespec time = {0, 5000000};
    pthread_mutex_lock(&disk);
    nanosleep(&time, NULL);
    int result = (int)syscall(call, file);
    pthread_mutex_unlock(&disk);
    return result;
}

int fsync(int file) { return slow(SYS_fsync, file); }
int fdatasync(int file) { return slow(SYS_fdatasync, file); }
