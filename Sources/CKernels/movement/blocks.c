#include "movement.h"

#include <string.h>

/* A constant size lets the compiler turn memcpy into one load and one store. */
#define BY_WIDTH(width, LOOP)                                                                      \
  switch (width) {                                                                                 \
  case 1:                                                                                          \
    LOOP(1) break;                                                                                 \
  case 2:                                                                                          \
    LOOP(2) break;                                                                                 \
  case 4:                                                                                          \
    LOOP(4) break;                                                                                 \
  case 8:                                                                                          \
    LOOP(8) break;                                                                                 \
  case 16:                                                                                         \
    LOOP(16) break;                                                                                \
  default:                                                                                         \
    LOOP(width)                                                                                    \
  }

void dl_take_blocks__scalar(void *target, const void *source, const int64_t *offsets, int64_t count,
                            int64_t block) {
  char *to = target;
  const char *from = source;
#define TAKE(W)                                                                                    \
  for (int64_t i = 0; i < count; i++)                                                              \
    memcpy(to + i * (W), from + offsets[i], (size_t)(W));
  BY_WIDTH(block, TAKE)
}

void dl_put_blocks__scalar(void *target, const int64_t *offsets, const void *source, int64_t count,
                           int64_t block) {
  char *to = target;
  const char *from = source;
#define PUT(W)                                                                                     \
  for (int64_t i = 0; i < count; i++)                                                              \
    memcpy(to + offsets[i], from + i * (W), (size_t)(W));
  BY_WIDTH(block, PUT)
}

void dl_fill__scalar(void *target, const void *element, int64_t count, int64_t width) {
  char *to = target;
  if (width == 1) {
    memset(to, *(const unsigned char *)element, (size_t)count);
    return;
  }
#define FILL(W)                                                                                    \
  for (int64_t i = 0; i < count; i++)                                                              \
    memcpy(to + i * (W), element, (size_t)(W));
  BY_WIDTH(width, FILL)
}
