#include "movement.h"

#include <string.h>

/* Few bytes are not worth a call; the last of them are copied by a block that reaches over the one
 * before. */
static inline __attribute__((always_inline)) void copy(char *to, const char *from, int64_t n) {
  if (n > 32) {
    memcpy(to, from, (size_t)n);
  } else if (n >= 16) {
    memcpy(to, from, 16);
    memcpy(to + n - 16, from + n - 16, 16);
  } else {
    for (int64_t i = 0; i < n; i++)
      to[i] = from[i];
  }
}

#if defined(__x86_64__)
#include <immintrin.h>

/* Blocks of `from`, each `times` times in a row, into `same` rows that lie `bytes` apart: element j
 * of vector q of the result is element (q * LANES + j) / times of the source. */
#define REPEAT_LANES(NAMED, T, LANES, V, LOAD, STORE, PERMUTE)                                     \
  static inline __attribute__((always_inline)) void NAMED(                                         \
      char *to, int64_t bytes, int64_t same, const T *from, int64_t count, const int times) {      \
    V order[4];                                                                                    \
    for (int q = 0; q < times; q++) {                                                              \
      T places[LANES];                                                                             \
      for (int j = 0; j < (LANES); j++)                                                            \
        places[j] = (T)((q * (LANES) + j) / times);                                                \
      order[q] = LOAD(places);                                                                     \
    }                                                                                              \
    for (int64_t next = 0; next < count; next += (LANES)) {                                        \
      const int64_t i = next + (LANES) <= count ? next : count - (LANES);                          \
      const V v = LOAD(from + i);                                                                  \
      for (int q = 0; q < times; q++) {                                                            \
        const V w = PERMUTE(order[q], v);                                                          \
        for (int64_t s = 0; s < same; s++)                                                         \
          STORE(to + s * bytes + (i * times + q * (LANES)) * (int64_t)sizeof(T), w);               \
      }                                                                                            \
    }                                                                                              \
  }
#define BY_TIMES(NAMED, T)                                                                         \
  if (times == 2)                                                                                  \
    NAMED(to, bytes, same, (const T *)from, count, 2);                                             \
  else if (times == 3)                                                                             \
    NAMED(to, bytes, same, (const T *)from, count, 3);                                             \
  else                                                                                             \
    NAMED(to, bytes, same, (const T *)from, count, 4);                                             \
  return 1

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define LOAD256(p) _mm256_loadu_si256((const __m256i *)(p))
#define STORE256(p, v) _mm256_storeu_si256((__m256i *)(p), v)
#define PERMUTE256(order, v) _mm256_permutevar8x32_epi32(v, order)
REPEAT_LANES(repeat_eight, uint32_t, 8, __m256i, LOAD256, STORE256, PERMUTE256)

static int by_eight(char *to, int64_t bytes, int64_t same, const char *from, int64_t count,
                    int64_t times) {
  BY_TIMES(repeat_eight, uint32_t);
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define LOAD512(p) _mm512_loadu_si512(p)
#define STORE512(p, v) _mm512_storeu_si512(p, v)
REPEAT_LANES(repeat_16, uint16_t, 32, __m512i, LOAD512, STORE512, _mm512_permutexvar_epi16)
REPEAT_LANES(repeat_32, uint32_t, 16, __m512i, LOAD512, STORE512, _mm512_permutexvar_epi32)
REPEAT_LANES(repeat_64, uint64_t, 8, __m512i, LOAD512, STORE512, _mm512_permutexvar_epi64)

static int by_sixteen(char *to, int64_t bytes, int64_t same, const char *from, int64_t count,
                      int64_t times, int64_t block) {
  if (block == 2) {
    BY_TIMES(repeat_16, uint16_t);
  }
  if (block == 4) {
    BY_TIMES(repeat_32, uint32_t);
  }
  BY_TIMES(repeat_64, uint64_t);
}
#pragma clang attribute pop

/* Whether the instruction set has a way of its own that is worth it. */
static int repeated(int isa, char *to, int64_t bytes, int64_t same, const char *from, int64_t count,
                    int64_t times, int64_t block) {
  if (isa > 1 && block > 1 && count * block >= 64)
    return by_sixteen(to, bytes, same, from, count, times, block);
  if (isa > 0 && block == 4 && count >= 8 && times > 2)
    return by_eight(to, bytes, same, from, count, times);
  return 0;
}
#else
static int repeated(int isa, char *to, int64_t bytes, int64_t same, const char *from, int64_t count,
                    int64_t times, int64_t block) {
  return 0;
}
#endif

#define REPEAT(T, N)                                                                               \
  {                                                                                                \
    T *restrict to = target;                                                                       \
    const T *restrict from = source;                                                               \
    for (int64_t i = 0; i < count; i++)                                                            \
      for (int j = 0; j < (N); j++)                                                                \
        to[i * (N) + j] = from[i];                                                                 \
    return;                                                                                        \
  }
#define REPEAT_BY_WIDTH(N)                                                                         \
  switch (block) {                                                                                 \
  case 1:                                                                                          \
    REPEAT(uint8_t, N)                                                                             \
  case 2:                                                                                          \
    REPEAT(uint16_t, N)                                                                            \
  case 4:                                                                                          \
    REPEAT(uint32_t, N)                                                                            \
  default:                                                                                         \
    REPEAT(uint64_t, N)                                                                            \
  }

static void repeat_blocks(void *target, const void *source, int64_t count, int64_t times,
                          int64_t block) {
  if (times == 2)
    REPEAT_BY_WIDTH(2)
  if (times == 3)
    REPEAT_BY_WIDTH(3)
  REPEAT_BY_WIDTH(4)
}
#undef REPEAT
#undef REPEAT_BY_WIDTH

#define TAKE(W)                                                                                    \
  for (int64_t i = 0; i < count; i++)                                                              \
    memcpy(to + i * (W), from + offsets[i], (size_t)(W));
static inline __attribute__((always_inline)) void
take(char *to, const char *from, const int64_t *offsets, int64_t count, int64_t block) {
  switch (block) {
  case 1:
    TAKE(1) break;
  case 2:
    TAKE(2) break;
  case 4:
    TAKE(4) break;
  case 8:
    TAKE(8) break;
  default:
    for (int64_t i = 0; i < count; i++)
      copy(to + i * block, from + offsets[i], block);
  }
}
#undef TAKE

void dl_gather_rows(const dl_row_table *t, void *target, const void *source, const int64_t *rows,
                    int64_t count, int isa) {
  char *to = target;
  const int64_t bytes = t->last * t->block;
  for (int64_t r = 0; r < count; to += bytes) {
    const char *from = (const char *)source + rows[r];
    int64_t same = 1;
    while (r + same < count && rows[r + same] == rows[r])
      same++;
    r += same;
    if (t->repeats > 1) {
      const int64_t each = t->last / t->repeats;
      if (repeated(isa, to, bytes, same, from + t->offsets[0], each, t->repeats, t->block)) {
        to += (same - 1) * bytes;
        continue;
      }
      repeat_blocks(to, from + t->offsets[0], each, t->repeats, t->block);
    } else {
      int64_t at = 0;
      for (int64_t s = 0; s < t->stretches; s++) {
        const int64_t some = t->lengths[s] < 0 ? -t->lengths[s] : t->lengths[s];
        if (t->lengths[s] < 0)
          copy(to + at * t->block, from + t->offsets[at], some * t->block);
        else
          take(to + at * t->block, from, t->offsets + at, some, t->block);
        at += some;
      }
    }
    for (; same > 1; same--, to += bytes)
      copy(to + bytes, to, bytes);
  }
}
