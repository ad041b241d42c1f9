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

#define GATHER_ELEMENTS(T, I)                                                                      \
  {                                                                                                \
    T *y = target;                                                                                 \
    const T *x = source;                                                                           \
    const I *at = indices;                                                                         \
    int64_t j = 0;                                                                                 \
    for (; j + 4 <= count; j += 4) {                                                               \
      int64_t i[4];                                                                                \
      int bad = 0;                                                                                 \
      for (int q = 0; q < 4; q++) {                                                                \
        i[q] = at[j + q];                                                                          \
        i[q] += i[q] < 0 ? size : 0;                                                               \
        bad |= (uint64_t)i[q] >= (uint64_t)size;                                                   \
      }                                                                                            \
      if (bad)                                                                                     \
        return 0;                                                                                  \
      for (int q = 0; q < 4; q++)                                                                  \
        y[j + q] = x[i[q] * along + (j + q) * step];                                               \
    }                                                                                              \
    for (; j < count; j++) {                                                                       \
      const int64_t i = at[j] < 0 ? at[j] + size : at[j];                                          \
      if ((uint64_t)i >= (uint64_t)size)                                                           \
        return 0;                                                                                  \
      y[j] = x[i * along + j * step];                                                              \
    }                                                                                              \
    return 1;                                                                                      \
  }
#define GATHER_BY_INDEX(T)                                                                         \
  if (wide)                                                                                        \
    GATHER_ELEMENTS(T, int64_t)                                                                    \
  GATHER_ELEMENTS(T, int32_t)

int dl_gather_elements__scalar(void *target, const void *source, const void *indices, int wide,
                               int64_t count, int64_t size, int64_t along, int64_t step,
                               int64_t width) {
  switch (width) {
  case 1:
    GATHER_BY_INDEX(uint8_t)
  case 2:
    GATHER_BY_INDEX(uint16_t)
  case 4:
    GATHER_BY_INDEX(uint32_t)
  default:
    GATHER_BY_INDEX(uint64_t)
  }
}

void dl_fill__scalar(void *target, const void *element, int64_t count, int64_t width) {
  char *to = target;
  if (width == 1) {
    memset(to, *(const unsigned char *)element, (size_t)count);
    return;
  }
  if (width == 16) {
    for (int64_t i = 0; i < count; i++)
      memcpy(to + i * 16, element, 16);
    return;
  }
  /* The element is read once, so that stores do not wait for what they might have changed. */
#define FILL(T)                                                                                    \
  {                                                                                                \
    T v;                                                                                           \
    memcpy(&v, element, sizeof v);                                                                 \
    for (int64_t i = 0; i < count; i++)                                                            \
      memcpy(to + i * (int64_t)sizeof v, &v, sizeof v);                                            \
  }
  if (width == 2)
    FILL(uint16_t)
  else if (width == 4)
    FILL(uint32_t)
  else
    FILL(uint64_t)
}

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

// Sixteen int64 indices as int32, those below zero counted from the end; `bad` gathers whether one
// of them lies outside.
static inline __m512i sixteen_places(const int64_t *at, __m512i size, __mmask8 *bad) {
  __m256i half[2];
  for (int q = 0; q < 2; q++) {
    __m512i i = _mm512_loadu_si512(at + 8 * q);
    i = _mm512_mask_add_epi64(i, _mm512_movepi64_mask(i), i, size);
    *bad |= _mm512_cmpge_epu64_mask(i, size);
    half[q] = _mm512_cvtepi64_epi32(i);
  }
  return _mm512_inserti64x4(_mm512_castsi256_si512(half[0]), half[1], 1);
}

int dl_gather_elements__avx512(void *target, const void *source, const void *indices, int wide,
                               int64_t count, int64_t size, int64_t along, int64_t step,
                               int64_t width) {
  // Places are added up in int32.
  const int64_t most = INT32_MAX / 2;
  int isSmall = width == 4 && wide && size <= most && along <= most && step <= most;
  isSmall = isSmall && count <= most && size * along <= most && count * step <= most;
  const int64_t whole = isSmall ? count / 16 * 16 : 0;
  const int64_t *at = indices;
  float *y = target;
  const __m512i sizes = _mm512_set1_epi64(size), factor = _mm512_set1_epi32((int)along);
  const __m512i lanes =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32((int)step));
  for (int64_t j = 0; j < whole; j += 16) {
    __mmask8 bad = 0;
    __m512i i = sixteen_places(at + j, sizes, &bad);
    if (bad)
      return 0;
    if (along != 1)
      i = _mm512_mullo_epi32(i, factor);
    i = _mm512_add_epi32(i, lanes);
    _mm512_storeu_ps(y + j, _mm512_i32gather_ps(i, (const float *)source + j * step, 4));
  }
  if (whole == count)
    return 1;
  return dl_gather_elements__scalar((char *)target + whole * width,
                                    (const char *)source + whole * step * width,
                                    (const char *)indices + whole * (wide ? 8 : 4), wide,
                                    count - whole, size, along, step, width);
}
#pragma clang attribute pop
#else
int dl_gather_elements__avx512(void *target, const void *source, const void *indices, int wide,
                               int64_t count, int64_t size, int64_t along, int64_t step,
                               int64_t width) {
  return dl_gather_elements__scalar(target, source, indices, wide, count, size, along, step, width);
}
#endif
