// The core of the thread pool: workers, the hand-over of a job, and sleeping.
#ifndef DL_THREADS_H
#define DL_THREADS_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dl_pool dl_pool;

// A pool of `threads` threads, the caller of a job among them: starts `threads - 1` workers. Starts
// fewer when the system refuses, and returns null when it has no memory.
dl_pool *dl_pool_create(int32_t threads);
// Threads that take part in a job, the caller's included.
int32_t dl_pool_threads(const dl_pool *pool);
// Ends and joins the workers. No job may be running.
void dl_pool_destroy(dl_pool *pool);

// The number of CPUs this process may use: the affinity mask, limited by the CPU quotas of its
// control groups (versions 1 and 2), rounded up. At least 1.
int32_t dl_cpu_count(void);

// `dl_pool_run` (declared in Swift, whose closures it takes) calls `body(piece, slot)` for pieces 0
// to `pieces - 1`, on `slots` threads at most. A thread has one slot below `slots` during a job.

#ifdef __cplusplus
}
#endif

#endif
