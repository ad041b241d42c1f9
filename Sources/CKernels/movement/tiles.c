#include "movement.h"

#if defined(__x86_64__)
#include <immintrin.h>

/* Tiles down strips of STRIP columns: few rows of the target grow at a time, whatever its stride,
 * and panels of PANEL rows bound the pages that a strip touches. Stores fill whole lines where all
 * rows of the target can; the first and the last tile reach over others for that. */
#define TILED(NAME, TILE, SIDE, STRIP, PANEL, WIDTH, REST)                                         \
  static void NAME(char *to, int64_t target_stride, const char *from, int64_t source_stride,       \
                   int64_t rows, int64_t columns) {                                                \
    if (rows < (SIDE) || columns < (SIDE)) {                                                       \
      REST(to, target_stride, from, source_stride, rows, columns, (WIDTH));                        \
      return;                                                                                      \
    }                                                                                              \
    const int64_t off = (int64_t)((uintptr_t)to % ((SIDE) * (WIDTH))) / (WIDTH);                   \
    const int64_t before = target_stride % ((SIDE) * (WIDTH)) == 0 ? off : 0;                      \
    for (int64_t r0 = -before; r0 < rows; r0 += (PANEL)) {                                         \
      const int64_t r1 = r0 + (PANEL) < rows ? r0 + (PANEL) : rows;                                \
      for (int64_t c0 = 0; c0 < columns; c0 += (STRIP)) {                                          \
        const int64_t c1 = c0 + (STRIP) < columns ? c0 + (STRIP) : columns;                        \
        for (int64_t at = r0; at < r1; at += (SIDE)) {                                             \
          const int64_t low = at < 0 ? 0 : at, r = low < rows - (SIDE) ? low : rows - (SIDE);      \
          for (int64_t side = c0; side < c1; side += (SIDE)) {                                     \
            const int64_t c = side < columns - (SIDE) ? side : columns - (SIDE);                   \
            TILE(to + c * target_stride + r * (WIDTH), target_stride,                              \
                 from + r * source_stride + c * (WIDTH), source_stride);                           \
          }                                                                                        \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
  }

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

#define LOAD128(i) _mm_loadu_si128((const __m128i *)(from + (i)*source_stride))
#define STORE128(i, v) _mm_storeu_si128((__m128i *)(to + (i)*target_stride), v)

static inline __attribute__((always_inline)) void
bytes_16x16(char *to, int64_t target_stride, const char *from, int64_t source_stride) {
  __m128i a[16], b[16];
  for (int i = 0; i < 16; i++)
    a[i] = LOAD128(i);
  /* Four times rows i and i + 8 are interleaved: after that, column by column. */
  for (int i = 0; i < 8; i++)
    b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]), b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
  for (int i = 0; i < 8; i++)
    a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + 8]), a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + 8]);
  for (int i = 0; i < 8; i++)
    b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 8]), b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 8]);
  for (int i = 0; i < 8; i++) {
    STORE128(2 * i, _mm_unpacklo_epi8(b[i], b[i + 8]));
    STORE128(2 * i + 1, _mm_unpackhi_epi8(b[i], b[i + 8]));
  }
}

/* The same of eight rows. */
static inline __attribute__((always_inline)) void
bytes_8x16(char *to, int64_t target_stride, const char *from, int64_t source_stride) {
  __m128i a[8], b[8];
  for (int i = 0; i < 8; i++)
    a[i] = LOAD128(i);
  for (int i = 0; i < 4; i++)
    b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 4]), b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 4]);
  for (int i = 0; i < 4; i++)
    a[2 * i] = _mm_unpacklo_epi8(b[i], b[i + 4]), a[2 * i + 1] = _mm_unpackhi_epi8(b[i], b[i + 4]);
  for (int i = 0; i < 4; i++)
    b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 4]), b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 4]);
  for (int i = 0; i < 8; i++) {
    _mm_storel_epi64((__m128i *)(to + 2 * i * target_stride), b[i]);
    _mm_storel_epi64((__m128i *)(to + (2 * i + 1) * target_stride), _mm_unpackhi_epi64(b[i], b[i]));
  }
}

static inline __attribute__((always_inline)) void
halves_8x8(char *to, int64_t target_stride, const char *from, int64_t source_stride) {
  __m128i a[8], b[8];
  for (int i = 0; i < 8; i++)
    a[i] = LOAD128(i);
  for (int i = 0; i < 4; i++)
    b[2 * i] = _mm_unpacklo_epi16(a[i], a[i + 4]),
          b[2 * i + 1] = _mm_unpackhi_epi16(a[i], a[i + 4]);
  for (int i = 0; i < 4; i++)
    a[2 * i] = _mm_unpacklo_epi16(b[i], b[i + 4]),
          a[2 * i + 1] = _mm_unpackhi_epi16(b[i], b[i + 4]);
  for (int i = 0; i < 4; i++) {
    STORE128(2 * i, _mm_unpacklo_epi16(a[i], a[i + 4]));
    STORE128(2 * i + 1, _mm_unpackhi_epi16(a[i], a[i + 4]));
  }
}

static inline __attribute__((always_inline)) void
doubles_4x4(char *to, int64_t target_stride, const char *from, int64_t source_stride) {
  __m256d a[4], b[4];
  for (int i = 0; i < 4; i++)
    a[i] = _mm256_loadu_pd((const double *)(from + i * source_stride));
  for (int i = 0; i < 4; i += 2)
    b[i] = _mm256_unpacklo_pd(a[i], a[i + 1]), b[i + 1] = _mm256_unpackhi_pd(a[i], a[i + 1]);
  for (int i = 0; i < 2; i++) {
    _mm256_storeu_pd((double *)(to + i * target_stride),
                     _mm256_permute2f128_pd(b[i], b[i + 2], 0x20));
    _mm256_storeu_pd((double *)(to + (i + 2) * target_stride),
                     _mm256_permute2f128_pd(b[i], b[i + 2], 0x31));
  }
}

/* Few rows: tiles of eight of them, the last of which reach over others. */
static void transpose_rows(char *to, int64_t target_stride, const char *from, int64_t source_stride,
                           int64_t rows, int64_t columns, int64_t width) {
  if (rows < 8 || columns < 16) {
    dl_transpose_2d__scalar(to, target_stride, from, source_stride, rows, columns, width);
    return;
  }
  for (int64_t side = 0; side < columns; side += 16)
    for (int64_t at = 0; at < rows; at += 8) {
      const int64_t c = side < columns - 16 ? side : columns - 16;
      const int64_t r = at < rows - 8 ? at : rows - 8;
      bytes_8x16(to + c * target_stride + r, target_stride, from + r * source_stride + c,
                 source_stride);
    }
}

TILED(transpose_bytes, bytes_16x16, 16, 16, 256, 1, transpose_rows)
TILED(transpose_halves, halves_8x8, 8, 8, 128, 2, dl_transpose_2d__scalar)
TILED(transpose_doubles, doubles_4x4, 4, 8, 64, 8, dl_transpose_2d__scalar)

#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)

static inline __attribute__((always_inline)) void
floats_16x16(char *to, int64_t target_stride, const char *from, int64_t source_stride) {
  __m512 a[16], b[16];
  for (int i = 0; i < 16; i++)
    a[i] = _mm512_loadu_ps((const float *)(from + i * source_stride));
  for (int i = 0; i < 16; i += 2)
    b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]), b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_shuffle_ps(b[i], b[i + 2], 0x44);
    a[i + 1] = _mm512_shuffle_ps(b[i], b[i + 2], 0xEE);
    a[i + 2] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0x44);
    a[i + 3] = _mm512_shuffle_ps(b[i + 1], b[i + 3], 0xEE);
  }
  /* Quarters of registers: of rows 4 q to 4 q + 3, columns 4 k + i lie in quarter k of a[4 q + i].
   */
  for (int i = 0; i < 16; i += 8)
    for (int j = i; j < i + 4; j++) {
      b[j] = _mm512_shuffle_f32x4(a[j], a[j + 4], 0x88);
      b[j + 4] = _mm512_shuffle_f32x4(a[j], a[j + 4], 0xDD);
    }
  for (int j = 0; j < 8; j++) {
    _mm512_storeu_ps((float *)(to + j * target_stride), _mm512_shuffle_f32x4(b[j], b[j + 8], 0x88));
    _mm512_storeu_ps((float *)(to + (j + 8) * target_stride),
                     _mm512_shuffle_f32x4(b[j], b[j + 8], 0xDD));
  }
}

#define EIGHTS(to, target_stride, from, source_stride, rows, columns, width)                       \
  dl_transpose_x32_8x8__avx2(to, target_stride, from, source_stride, rows, columns)
TILED(transpose_floats, floats_16x16, 16, 16, 256, 4, EIGHTS)

#pragma clang attribute pop

int dl_transpose_tiles(void *target, int64_t target_stride, const void *source,
                       int64_t source_stride, int64_t rows, int64_t columns, int64_t width,
                       int isa) {
  if (isa < 1)
    return 0;
  switch (width) {
  case 1:
    transpose_bytes(target, target_stride, source, source_stride, rows, columns);
    return 1;
  case 2:
    transpose_halves(target, target_stride, source, source_stride, rows, columns);
    return 1;
  case 4:
    if (isa > 1 && rows >= 16 && columns >= 16)
      transpose_floats(target, target_stride, source, source_stride, rows, columns);
    else
      dl_transpose_x32_8x8__avx2(target, target_stride, source, source_stride, rows, columns);
    return 1;
  case 8:
    transpose_doubles(target, target_stride, source, source_stride, rows, columns);
    return 1;
  default:
    return 0;
  }
}

#else

int dl_transpose_tiles(void *target, int64_t target_stride, const void *source,
                       int64_t source_stride, int64_t rows, int64_t columns, int64_t width,
                       int isa) {
  return 0;
}

#endif
