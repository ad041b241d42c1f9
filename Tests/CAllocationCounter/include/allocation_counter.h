// Counts what the calling thread takes from the heap.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H
#include <stdint.h>

// Whether this build can count: not under a sanitizer, which has an allocator of its own.
int allocation_counter_works(void);
void allocation_counter_start(void);
// Allocations of this thread since the start.
int64_t allocation_counter_stop(void);

#endif
