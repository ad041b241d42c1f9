#include "movement.h"

#include <string.h>

#define COUNT(T)                                                                                   \
  {                                                                                                \
    const T *from = x, kept = (T)mask;                                                             \
    for (int64_t i = 0; i < count; i++)                                                            \
      found += (from[i] & kept) != 0;                                                              \
    return found;                                                                                  \
  }
#define COUNT_BY_WIDTH                                                                             \
  int64_t found = 0;                                                                               \
  switch (width) {                                                                                 \
  case 1:                                                                                          \
    COUNT(uint8_t)                                                                                 \
  case 2:                                                                                          \
    COUNT(uint16_t)                                                                                \
  case 4:                                                                                          \
    COUNT(uint32_t)                                                                                \
  default:                                                                                         \
    COUNT(uint64_t)                                                                                \
  }

/* Every place is written where the next one belongs, which no pattern of zeros upsets. */
#define PLACES(T)                                                                                  \
  {                                                                                                \
    const T *from = x, kept = (T)mask;                                                             \
    for (int64_t i = first; i < count && at < room; i++) {                                         \
      places[at] = i;                                                                              \
      at += (from[i] & kept) != 0;                                                                 \
    }                                                                                              \
    return at;                                                                                     \
  }
static int64_t places_from(const void *x, int64_t first, int64_t count, int64_t width,
                           uint64_t mask, int64_t *places, int64_t at, int64_t room) {
  switch (width) {
  case 1:
    PLACES(uint8_t)
  case 2:
    PLACES(uint16_t)
  case 4:
    PLACES(uint32_t)
  default:
    PLACES(uint64_t)
  }
}

#define TAKE(T)                                                                                    \
  {                                                                                                \
    const T *from = source;                                                                        \
    T *to = target;                                                                                \
    for (int64_t i = first; i < count && at < room; i++) {                                         \
      to[at] = from[i];                                                                            \
      at += flags[i] != 0;                                                                         \
    }                                                                                              \
    return at;                                                                                     \
  }
static int64_t take_from(void *target, const void *source, const uint8_t *flags, int64_t first,
                         int64_t count, int64_t width, int64_t at, int64_t room) {
  switch (width) {
  case 1:
    TAKE(uint8_t)
  case 2:
    TAKE(uint16_t)
  case 4:
    TAKE(uint32_t)
  default:
    TAKE(uint64_t)
  }
}

int64_t dl_count_filled__scalar(const void *x, int64_t count, int64_t width, uint64_t mask){
    COUNT_BY_WIDTH} int64_t dl_filled_places__scalar(const void *x, int64_t count, int64_t width,
                                                     uint64_t mask, int64_t *places, int64_t room) {
  return places_from(x, 0, count, width, mask, places, 0, room);
}
int64_t dl_take_flagged__scalar(void *target, const void *source, const uint8_t *flags,
                                int64_t count, int64_t width, int64_t room) {
  return take_from(target, source, flags, 0, count, width, 0, room);
}

#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

int64_t dl_count_filled__avx512(const void *x, int64_t count, int64_t width, uint64_t mask) {
  COUNT_BY_WIDTH
}

/* A bit for each of the elements in 64 bytes. */
static inline uint64_t filled_bits(__m512i v, int64_t width, __m512i mask) {
  switch (width) {
  case 1:
    return _mm512_test_epi8_mask(v, mask);
  case 2:
    return _mm512_test_epi16_mask(v, mask);
  case 4:
    return _mm512_test_epi32_mask(v, mask);
  default:
    return _mm512_test_epi64_mask(v, mask);
  }
}

int64_t dl_filled_places__avx512(const void *x, int64_t count, int64_t width, uint64_t mask,
                                 int64_t *places, int64_t room) {
  const __m512i eight = _mm512_set1_epi64(8);
  const __m512i kept = width == 1   ? _mm512_set1_epi8((char)mask)
                       : width == 2 ? _mm512_set1_epi16((short)mask)
                       : width == 4 ? _mm512_set1_epi32((int)mask)
                                    : _mm512_set1_epi64((int64_t)mask);
  const int64_t step = 64 / width;
  __m512i here = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
  int64_t i = 0, at = 0;
  /* Eight places are written at a time, however many of them count. */
  for (; i + step <= count && at + step <= room; i += step) {
    uint64_t bits = filled_bits(_mm512_loadu_si512((const char *)x + i * width), width, kept);
    for (int64_t j = 0; j < step; j += 8, bits >>= 8, here = _mm512_add_epi64(here, eight)) {
      const __mmask8 some = (__mmask8)bits;
      _mm512_storeu_si512(places + at, _mm512_maskz_compress_epi64(some, here));
      at += __builtin_popcount(some);
    }
  }
  return places_from(x, i, count, width, mask, places, at, room);
}

int64_t dl_take_flagged__avx512(void *target, const void *source, const uint8_t *flags,
                                int64_t count, int64_t width, int64_t room) {
  int64_t i = 0, at = 0;
  if (width == 4)
    for (; i + 16 <= count && at + 16 <= room; i += 16) {
      const __m128i f = _mm_loadu_si128((const __m128i *)(flags + i));
      const __mmask16 some = _mm_test_epi8_mask(f, f);
      const __m512i v = _mm512_loadu_si512((const char *)source + i * 4);
      _mm512_storeu_si512((char *)target + at * 4, _mm512_maskz_compress_epi32(some, v));
      at += __builtin_popcount(some);
    }
  else if (width == 8)
    for (; i + 8 <= count && at + 8 <= room; i += 8) {
      const __m128i f = _mm_loadl_epi64((const __m128i *)(flags + i));
      const __mmask8 some = (__mmask8)_mm_test_epi8_mask(f, f);
      const __m512i v = _mm512_loadu_si512((const char *)source + i * 8);
      _mm512_storeu_si512((char *)target + at * 8, _mm512_maskz_compress_epi64(some, v));
      at += __builtin_popcount(some);
    }
  return take_from(target, source, flags, i, count, width, at, room);
}

#pragma clang attribute pop
#else
int64_t dl_count_filled__avx512(const void *x, int64_t count, int64_t width, uint64_t mask) {
  return dl_count_filled__scalar(x, count, width, mask);
}
int64_t dl_filled_places__avx512(const void *x, int64_t count, int64_t width, uint64_t mask,
                                 int64_t *places, int64_t room) {
  return dl_filled_places__scalar(x, count, width, mask, places, room);
}
int64_t dl_take_flagged__avx512(void *target, const void *source, const uint8_t *flags,
                                int64_t count, int64_t width, int64_t room) {
  return dl_take_flagged__scalar(target, source, flags, count, width, room);
}
#endif
