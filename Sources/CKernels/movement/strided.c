#include "movement.h"

#include <string.h>

/* Rows of blocks: a line of `count` blocks with one stride on each side. */
static void copy_line(char *to, int64_t to_stride, const char *from, int64_t from_stride,
                      int64_t count, int64_t block) {
#define LINE(W)                                                                                    \
  if (to_stride == (W) && from_stride == 0) {                                                      \
    dl_fill__scalar(to, from, count, (W));                                                         \
  } else {                                                                                         \
    for (int64_t i = 0; i < count; i++)                                                            \
      memcpy(to + i * to_stride, from + i * from_stride, (W));                                     \
  }
#define BLOCKS(W)                                                                                  \
  for (int64_t i = 0; i < count; i++)                                                              \
    memcpy(to + i * to_stride, from + i * from_stride, (W));
  switch (block) {
  case 1:
    LINE(1) break;
  case 2:
    LINE(2) break;
  case 4:
    LINE(4) break;
  case 8:
    LINE(8) break;
  case 16:
    LINE(16) break;
  case 32:
    BLOCKS(32) break;
  case 64:
    BLOCKS(64) break;
  case 128:
    BLOCKS(128) break;
  case 256:
    BLOCKS(256) break;
  default:
    for (int64_t i = 0; i < count; i++)
      memcpy(to + i * to_stride, from + i * from_stride, (size_t)block);
  }
}

void dl_copy_strided(const dl_strided_copy *copy, void *target, const void *source, int isa) {
  int64_t rank = copy->rank, block = copy->block;
  char *to = target;
  const char *from = source;
  if (rank == 0) {
    memcpy(to, from, (size_t)block);
    return;
  }
  int64_t last = rank - 1;
  int64_t count = copy->sizes[last];
  int64_t to_stride = copy->target_strides[last], from_stride = copy->source_strides[last];
  int64_t rows = rank > 1 ? copy->sizes[rank - 2] : 1;
  int64_t to_rows = rank > 1 ? copy->target_strides[rank - 2] : 0;
  int64_t from_rows = rank > 1 ? copy->source_strides[rank - 2] : 0;
  int typed = block == 1 || block == 2 || block == 4 || block == 8 || block == 16;
  /* The target runs along the last axis, the source along the one before. */
  int crossed = typed && to_stride == block && from_rows == block && from_stride != 0 && rows > 1 &&
                count > 1;

  int64_t outer = rank > 2 ? rank - 2 : 0;
  int64_t index[DL_MOVE_RANK] = {0};
  for (;;) {
    if (crossed && isa > 0 &&
        (dl_transpose_few__avx2(to, to_rows, from, from_stride, count, rows, block) ||
         dl_transpose_tiles(to, to_rows, from, from_stride, count, rows, block, isa))) {
      /* Done. */
    } else if (crossed) {
      dl_transpose_2d__scalar(to, to_rows, from, from_stride, count, rows, block);
    } else {
      for (int64_t r = 0; r < rows; r++)
        copy_line(to + r * to_rows, to_stride, from + r * from_rows, from_stride, count, block);
    }
    int64_t axis = outer - 1;
    for (; axis >= 0; axis--) {
      to += copy->target_strides[axis];
      from += copy->source_strides[axis];
      if (++index[axis] < copy->sizes[axis])
        break;
      to -= copy->target_strides[axis] * copy->sizes[axis];
      from -= copy->source_strides[axis] * copy->sizes[axis];
      index[axis] = 0;
    }
    if (axis < 0)
      return;
  }
}
