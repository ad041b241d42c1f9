// Counts what threads take from the heap: the calling one, and others that join it.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H
#include <stdint.h>

// Whether this build can count: not under a sanitizer, which has an allocator of its own.
int allocation_counter_works(void);
// Counts the calling thread from now on, from 0.
void allocation_counter_start(void);
// Allocations of this thread since the start; it is not counted any more.
int64_t allocation_counter_stop(void);

#endif
