#include "allocation_counter.h"
#include <errno.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

static _Thread_local int64_t count;
static _Thread_local int is_counting;

#ifndef HAS_SANITIZER
// glibc's own functions under the names that nobody replaces.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  count += is_counting;
  return __libc_malloc(size);
}
void *calloc(size_t number, size_t size) {
  count += is_counting;
  return __libc_calloc(number, size);
}
void *realloc(void *old, size_t size) {
  count += is_counting;
  return __libc_realloc(old, size);
}
void *memalign(size_t alignment, size_t size) {
  count += is_counting;
  return __libc_memalign(alignment, size);
}
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void **to, size_t alignment, size_t size) {
  void *memory = memalign(alignment, size);
  if (memory == NULL)
    return ENOMEM;
  *to = memory;
  return 0;
}
int allocation_counter_works(void) { return 1; }
#else
int allocation_counter_works(void) { return 0; }
#endif

void allocation_counter_start(void) {
  count = 0;
  is_counting = 1;
}
int64_t allocation_counter_stop(void) {
  is_counting = 0;
  return count;
}
