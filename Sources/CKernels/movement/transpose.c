#include "movement.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* Tiles of 16 x 16 keep both sides in the first-level cache whatever the strides. */
enum { TILE = 16 };

#define TRANSPOSE(W)                                                                               \
  for (int64_t r0 = 0; r0 < rows; r0 += TILE) {                                                    \
    int64_t r1 = r0 + TILE < rows ? r0 + TILE : rows;                                              \
    for (int64_t c0 = 0; c0 < columns; c0 += TILE) {                                               \
      int64_t c1 = c0 + TILE < columns ? c0 + TILE : columns;                                      \
      for (int64_t c = c0; c < c1; c++)                                                            \
        for (int64_t r = r0; r < r1; r++)                                                          \
          memcpy(to + c * target_stride + r * (W), from + r * source_stride + c * (W), (W));       \
    }                                                                                              \
  }

void dl_transpose_2d__scalar(void *target, int64_t target_stride, const void *source,
                             int64_t source_stride, int64_t rows, int64_t columns, int64_t width) {
  char *to = target;
  const char *from = source;
  switch (width) {
  case 1:
    TRANSPOSE(1) break;
  case 2:
    TRANSPOSE(2) break;
  case 4:
    TRANSPOSE(4) break;
  case 8:
    TRANSPOSE(8) break;
  case 16:
    TRANSPOSE(16) break;
  default:
    break;
  }
}

#if defined(__x86_64__)

int dl_movement_has_avx2(void) { return __builtin_cpu_supports("avx2") != 0; }

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

static inline void transpose_tile(char *to, int64_t target_stride, const char *from,
                                  int64_t source_stride) {
  __m256 r[8], s[8];
  for (int i = 0; i < 8; i++)
    r[i] = _mm256_loadu_ps((const float *)(from + i * source_stride));
  for (int i = 0; i < 8; i += 2) {
    s[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    s[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(s[i], s[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(s[i], s[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(s[i + 1], s[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; i++) {
    s[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
    s[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
  }
  for (int i = 0; i < 8; i++)
    _mm256_storeu_ps((float *)(to + i * target_stride), s[i]);
}

void dl_transpose_x32_8x8__avx2(void *target, int64_t target_stride, const void *source,
                                int64_t source_stride, int64_t rows, int64_t columns) {
  char *to = target;
  const char *from = source;
  int64_t whole_rows = rows & ~(int64_t)7, whole_columns = columns & ~(int64_t)7;
  /* Runs of 8 columns down all rows would touch a page a row; panels of 64 rows bound that. */
  for (int64_t r0 = 0; r0 < whole_rows; r0 += 64) {
    int64_t r1 = r0 + 64 < whole_rows ? r0 + 64 : whole_rows;
    for (int64_t c = 0; c < whole_columns; c += 8)
      for (int64_t r = r0; r < r1; r += 8)
        transpose_tile(to + c * target_stride + r * 4, target_stride,
                       from + r * source_stride + c * 4, source_stride);
  }
  dl_transpose_2d__scalar(to + whole_columns * target_stride, target_stride,
                          from + whole_columns * 4, source_stride, whole_rows,
                          columns - whole_columns, 4);
  dl_transpose_2d__scalar(to + whole_rows * 4, target_stride, from + whole_rows * source_stride,
                          source_stride, rows - whole_rows, columns, 4);
}

/* 2 to 4 lines of elements that take turns, as the colours of pixels do, taken apart or put
 * together; the compiler turns these loops into shuffles. */
typedef uint8_t bytes1 __attribute__((may_alias));
typedef uint16_t bytes2 __attribute__((may_alias, aligned(1)));
typedef uint32_t bytes4 __attribute__((may_alias, aligned(1)));
typedef uint64_t bytes8 __attribute__((may_alias, aligned(1)));
#define SPLIT(T, C)                                                                                \
  for (int64_t r = 0; r < rows; r++)                                                               \
    for (int c = 0; c < (C); c++)                                                                  \
      *(T *)(to + c * target_stride + r * (int64_t)sizeof(T)) = ((const T *)from)[r * (C) + c];
#define JOIN(T, C)                                                                                 \
  for (int64_t r = 0; r < columns; r++)                                                            \
    for (int c = 0; c < (C); c++)                                                                  \
      ((T *)to)[r * (C) + c] = *(const T *)(from + c * source_stride + r * (int64_t)sizeof(T));
#define BY_LINES(T, LINES, LOOP)                                                                   \
  switch (LINES) {                                                                                 \
  case 2:                                                                                          \
    LOOP(T, 2) return 1;                                                                           \
  case 3:                                                                                          \
    LOOP(T, 3) return 1;                                                                           \
  case 4:                                                                                          \
    LOOP(T, 4) return 1;                                                                           \
  default:                                                                                         \
    return 0;                                                                                      \
  }
#define BY_WIDTH(LINES, LOOP)                                                                      \
  switch (width) {                                                                                 \
  case 1:                                                                                          \
    BY_LINES(bytes1, LINES, LOOP)                                                                  \
  case 2:                                                                                          \
    BY_LINES(bytes2, LINES, LOOP)                                                                  \
  case 4:                                                                                          \
    BY_LINES(bytes4, LINES, LOOP)                                                                  \
  case 8:                                                                                          \
    BY_LINES(bytes8, LINES, LOOP)                                                                  \
  default:                                                                                         \
    return 0;                                                                                      \
  }

int dl_transpose_few__avx2(void *target, int64_t target_stride, const void *source,
                           int64_t source_stride, int64_t rows, int64_t columns, int64_t width) {
  char *restrict to = target;
  const char *restrict from = source;
  if (source_stride == columns * width && rows >= 16) {
    BY_WIDTH(columns, SPLIT)
  }
  if (target_stride == rows * width && columns >= 16) {
    BY_WIDTH(rows, JOIN)
  }
  return 0;
}

#pragma clang attribute pop

#else

int dl_movement_has_avx2(void) { return 0; }

void dl_transpose_x32_8x8__avx2(void *target, int64_t target_stride, const void *source,
                                int64_t source_stride, int64_t rows, int64_t columns) {
  dl_transpose_2d__scalar(target, target_stride, source, source_stride, rows, columns, 4);
}

int dl_transpose_few__avx2(void *target, int64_t target_stride, const void *source,
                           int64_t source_stride, int64_t rows, int64_t columns, int64_t width) {
  return 0;
}

#endif
