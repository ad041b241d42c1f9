#include "nbits.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))
enum { AHEAD_BYTES = 4096, MOST_ROWS = 8 };

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

INLINE __m512 numbers(const uint8_t *x) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)x)));
}

// Zero points of a panel and how far those of its blocks are apart. `same` is for one for all.
INLINE const uint8_t *panel_zeros(const dl_nbits_weights *w, intptr_t j, uint8_t same[32],
                                  intptr_t *step) {
  *step = w->zeros ? 32 : 0;
  if (w->zeros)
    return w->zeros + j * w->blocks;
  for (int i = 0; i < 32; i++)
    same[i] = (uint8_t)w->zero;
  return same;
}

INLINE __mmask16 lanes(intptr_t n) { return n >= 16 ? 0xFFFF : (__mmask16)((1u << n) - 1); }

INLINE void store_f32(__m512 v, intptr_t n, intptr_t j, const float *bias, float *y) {
  if (j >= n)
    return;
  const __mmask16 mask = lanes(n - j);
  if (bias)
    v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, bias + j));
  _mm512_mask_storeu_ps(y + j, mask, v);
}

// What a block's steps are of a group of 32: all of them, the first 16 or the last.
enum { ALL = 2, FIRST = 0, LAST = 1 };

// A group of codes for M rows and one panel. A permutation takes 4 bits of each lane: it is the
// table from nibble to number. One row has four sums a vector, whose additions would wait for
// each other.
INLINE void group_f32(const int M, const int BITS, const int PART, const int SUMS, const float *row,
                      intptr_t length, const uint8_t *codes, __m512 part[4][2][4]) {
  const __m512 table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const int from = BITS == 8 && PART == LAST ? 4 : 0, to = BITS == 8 && PART != FIRST ? 8 : 4;
  for (int v = from; v < to; v++) {
    const __m512i c[2] = {_mm512_loadu_si512(codes + 128 * v),
                          _mm512_loadu_si512(codes + 128 * v + 64)};
    _mm_prefetch((const char *)((uintptr_t)codes + 128 * v + AHEAD_BYTES), _MM_HINT_T0);
    _mm_prefetch((const char *)((uintptr_t)codes + 128 * v + AHEAD_BYTES + 64), _MM_HINT_T0);
    UNROLL for (int z = 0; z < 4; z++) {
      UNROLL for (int h = 0; h < (BITS == 8 ? 1 : 2); h++) {
        if (BITS == 4 && PART != ALL && PART != h)
          continue;
        __m512 f[2];
        UNROLL for (int p = 0; p < 2; p++) {
          if (BITS == 8)
            f[p] = _mm512_cvtepi32_ps(
                _mm512_and_si512(_mm512_srli_epi32(c[p], 8 * z), _mm512_set1_epi32(255)));
          else
            f[p] = _mm512_permutexvar_ps(_mm512_srli_epi32(c[p], 8 * z + 4 * h), table);
        }
        UNROLL for (int i = 0; i < M; i++) {
          const __m512 a = _mm512_set1_ps(row[i * length + 16 * h + 4 * v + z]);
          UNROLL for (int p = 0; p < 2; p++) part[i][p][z % SUMS] =
              _mm512_fmadd_ps(a, f[p], part[i][p][z % SUMS]);
        }
      }
    }
  }
}

// Block b of M rows and one panel, `groups` of codes or a half of one, added to the totals.
INLINE void block_f32(const int M, const int BITS, const int PART, intptr_t groups, intptr_t length,
                      intptr_t blocks, const float *row, const float *sums, const uint8_t *codes,
                      const float *scales, const uint8_t *zeros, __m512 total[4][2]) {
  const int SUMS = M == 1 ? 4 : M == 2 ? 2 : 1;
  __m512 part[4][2][4];
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int p = 0; p < 2; p++)
      UNROLL for (int q = 0; q < SUMS; q++) part[i][p][q] = _mm512_setzero_ps();
  for (intptr_t s = 0; s < groups; s++)
    group_f32(M, BITS, PART, SUMS, row + s * 32, length, codes + s * 128 * BITS, part);
  UNROLL for (int p = 0; p < 2; p++) {
    const __m512 scale = _mm512_loadu_ps(scales + 16 * p), zero = numbers(zeros + 16 * p);
    UNROLL for (int i = 0; i < M; i++) {
      __m512 all = part[i][p][0];
      if (SUMS == 4)
        all = _mm512_add_ps(_mm512_add_ps(all, part[i][p][1]),
                            _mm512_add_ps(part[i][p][2], part[i][p][3]));
      if (SUMS == 2)
        all = _mm512_add_ps(all, part[i][p][1]);
      const __m512 sum = _mm512_set1_ps(sums[i * blocks]);
      total[i][p] = _mm512_fmadd_ps(scale, _mm512_fnmadd_ps(zero, sum, all), total[i][p]);
    }
  }
}

INLINE void rows_f32(const int M, const int BITS, const int HALF, intptr_t n, const float *x,
                     const float *sums, const dl_nbits_weights *w, const uint8_t *codes,
                     const float *scales, const uint8_t *zeros, intptr_t step, const float *bias,
                     float *y, intptr_t ldy) {
  const intptr_t length = dl_nbits_groups(w) * 32, blocks = w->blocks, sub = w->sub;
  __m512 total[4][2];
  UNROLL for (int i = 0; i < M; i++) total[i][0] = total[i][1] = _mm512_setzero_ps();
  for (intptr_t b = 0; b < blocks; b++) {
    if (!HALF) {
      block_f32(M, BITS, ALL, sub, length, blocks, x + b * sub * 32, sums + b, codes,
                scales + b * 32, zeros + b * step, total);
      codes += sub * 128 * BITS;
      continue;
    }
    block_f32(M, BITS, FIRST, 1, length, blocks, x + b * 16, sums + b, codes, scales + b * 32,
              zeros + b * step, total);
    b++;
    block_f32(M, BITS, LAST, 1, length, blocks, x + (b - 1) * 16, sums + b, codes, scales + b * 32,
              zeros + b * step, total);
    codes += 128 * BITS;
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int p = 0; p < 2; p++)
      store_f32(total[i][p], n, 16 * p, bias, y + i * ldy);
}

int dl_nbits_quantize__avx512(intptr_t n, intptr_t blocks, intptr_t length, int planes,
                              const float *x, int8_t *y, float *scales, float *sums) {
  const intptr_t plane = blocks * length;
  const float limit = planes == 1 ? 127 : 127 * 65536;
  const __m512i half = _mm512_set1_epi32(128);
  __mmask16 wrong = 0;
  for (intptr_t b = 0; b < blocks; b++, y += length) {
    const intptr_t first = b * length, has = n - first < length ? n - first : length;
    __m512 most = _mm512_setzero_ps();
    for (intptr_t k = 0; k < has; k += 16) {
      const __m512 v = _mm512_maskz_loadu_ps(lanes(has - k), x + first + k);
      // NaN, infinities.
      wrong |= _mm512_fpclass_ps_mask(v, 0x99);
      most = _mm512_max_ps(_mm512_abs_ps(v), most);
    }
    const float top = _mm512_reduce_max_ps(most);
    const __m512 inverse = _mm512_set1_ps(top > DL_NBITS_TINY ? limit / top : 0);
    wrong |= top > 0 && top <= DL_NBITS_TINY;
    __m512i total = _mm512_setzero_si512();
    for (intptr_t k = 0; k < length; k += 16) {
      const __mmask16 there = k < has ? lanes(has - k) : 0;
      __m512 v = _mm512_maskz_loadu_ps(there, x + first + k);
      v = _mm512_mul_ps(v, inverse);
      v = _mm512_min_ps(_mm512_max_ps(v, _mm512_set1_ps(-limit)), _mm512_set1_ps(limit));
      __m512i code = _mm512_cvtps_epi32(v);
      total = _mm512_add_epi32(total, code);
      if (planes == 3) {
        _mm_storeu_si128((__m128i *)(y + 2 * plane + k), _mm512_cvtepi32_epi8(code));
        code = _mm512_srai_epi32(_mm512_add_epi32(code, half), 8);
        _mm_storeu_si128((__m128i *)(y + plane + k), _mm512_cvtepi32_epi8(code));
        code = _mm512_srai_epi32(_mm512_add_epi32(code, half), 8);
      }
      _mm_storeu_si128((__m128i *)(y + k), _mm512_cvtepi32_epi8(code));
    }
    scales[b] = top / limit;
    sums[b] = (float)_mm512_reduce_add_epi32(total);
  }
  return !wrong;
}

#define FORMS(M, CALL)                                                                             \
  case M:                                                                                          \
    if (w->sub) {                                                                                  \
      if (w->bits == 8)                                                                            \
        CALL(M, 8, 0)                                                                              \
      else                                                                                         \
        CALL(M, 4, 0)                                                                              \
    } else {                                                                                       \
      if (w->bits == 8)                                                                            \
        CALL(M, 8, 1)                                                                              \
      else                                                                                         \
        CALL(M, 4, 1)                                                                              \
    }                                                                                              \
    break;

void dl_nbits_f32__avx512(intptr_t m, intptr_t n, const float *x, const float *sums,
                          const dl_nbits_weights *w, const float *bias, float *y, intptr_t ldy) {
  const intptr_t groups = dl_nbits_groups(w), bytes = w->bits == 8 ? 1024 : 512;
  for (intptr_t j = 0; j < n; j += 32) {
    const uint8_t *codes = w->codes + j / 32 * groups * bytes;
    uint8_t same[32];
    intptr_t step;
    const uint8_t *zeros = panel_zeros(w, j, same, &step);
    for (intptr_t i = 0; i < m; i += 4) {
      const float *row = x + i * groups * 32, *sum = sums + i * w->blocks;
#define CALL(M, BITS, HALF)                                                                        \
  rows_f32(M, BITS, HALF, n - j, row, sum, w, codes, w->scales + j * w->blocks, zeros, step,       \
           bias ? bias + j : bias, y + i * ldy + j, ldy);
      switch (m - i < 4 ? m - i : 4) {
        FORMS(1, CALL)
        FORMS(2, CALL)
        FORMS(3, CALL)
        FORMS(4, CALL)
      }
#undef CALL
    }
  }
}
#pragma clang attribute pop

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni"))), apply_to = function)

INLINE __m512i four(const int8_t *p) {
  int32_t x;
  __builtin_memcpy(&x, p, 4);
  return _mm512_set1_epi32(x);
}

INLINE void group_s8(const int M, const int PLANES, const int BITS, const int PART,
                     const int8_t *row, intptr_t length, const uint8_t *codes,
                     __m512i part[MOST_ROWS][2][3]) {
  const __m512i low = _mm512_set1_epi8(15);
  const int from = BITS == 8 && PART == LAST ? 4 : 0, to = BITS == 8 && PART != FIRST ? 8 : 4;
  UNROLL for (int v = from; v < to; v++) {
    _mm_prefetch((const char *)((uintptr_t)codes + 128 * v + AHEAD_BYTES), _MM_HINT_T0);
    _mm_prefetch((const char *)((uintptr_t)codes + 128 * v + AHEAD_BYTES + 64), _MM_HINT_T0);
    UNROLL for (int p = 0; p < 2; p++) {
      const __m512i c = _mm512_loadu_si512(codes + 128 * v + 64 * p);
      UNROLL for (int h = 0; h < (BITS == 8 ? 1 : 2); h++) {
        if (BITS == 4 && PART != ALL && PART != h)
          continue;
        const __m512i f = BITS == 8 ? c : _mm512_and_si512(h ? _mm512_srli_epi16(c, 4) : c, low);
        UNROLL for (int i = 0; i < M; i++) UNROLL for (int t = 0; t < PLANES; t++) part[i][p][t] =
            _mm512_dpbusd_epi32(part[i][p][t], f,
                                four(row + (i * PLANES + t) * length + 16 * h + 4 * v));
      }
    }
  }
}

INLINE void block_s8(const int M, const int PLANES, const int BITS, const int PART, intptr_t groups,
                     intptr_t length, intptr_t blocks, const int8_t *row, const float *xs,
                     const float *sums, const uint8_t *codes, const float *scales,
                     const uint8_t *zeros, __m512 total[MOST_ROWS][2]) {
  __m512i part[MOST_ROWS][2][3];
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int p = 0; p < 2; p++)
      UNROLL for (int t = 0; t < PLANES; t++) part[i][p][t] = _mm512_setzero_si512();
  for (intptr_t s = 0; s < groups; s++)
    group_s8(M, PLANES, BITS, PART, row + s * 32, length, codes + s * 128 * BITS, part);
  UNROLL for (int p = 0; p < 2; p++) {
    const __m512 scale = _mm512_loadu_ps(scales + 16 * p), zero = numbers(zeros + 16 * p);
    UNROLL for (int i = 0; i < M; i++) {
      __m512i low = part[i][p][PLANES - 1];
      if (PLANES == 3)
        low = _mm512_add_epi32(_mm512_slli_epi32(part[i][p][1], 8), low);
      // Sums of 16 steps of 4 bits stay below 2^31.
      const int isWhole = PLANES == 3 && PART != ALL && BITS == 4;
      if (isWhole)
        low = _mm512_add_epi32(_mm512_slli_epi32(part[i][p][0], 16), low);
      __m512 all = _mm512_cvtepi32_ps(low);
      if (PLANES == 3 && !isWhole)
        all = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part[i][p][0]), _mm512_set1_ps(65536), all);
      all = _mm512_fnmadd_ps(zero, _mm512_set1_ps(sums[i * blocks]), all);
      total[i][p] =
          _mm512_fmadd_ps(all, _mm512_mul_ps(scale, _mm512_set1_ps(xs[i * blocks])), total[i][p]);
    }
  }
}

INLINE void rows_s8(const int M, const int PLANES, const int BITS, const int HALF, intptr_t n,
                    const int8_t *x, const float *xs, const float *sums, const dl_nbits_weights *w,
                    const uint8_t *codes, const float *scales, const uint8_t *zeros, intptr_t step,
                    const float *bias, float *y, intptr_t ldy) {
  const intptr_t length = dl_nbits_groups(w) * 32, blocks = w->blocks, sub = w->sub;
  __m512 total[MOST_ROWS][2];
  UNROLL for (int i = 0; i < M; i++) total[i][0] = total[i][1] = _mm512_setzero_ps();
  for (intptr_t b = 0; b < blocks; b++) {
    if (!HALF) {
      block_s8(M, PLANES, BITS, ALL, sub, length, blocks, x + b * sub * 32, xs + b, sums + b, codes,
               scales + b * 32, zeros + b * step, total);
      codes += sub * 128 * BITS;
      continue;
    }
    block_s8(M, PLANES, BITS, FIRST, 1, length, blocks, x + b * 16, xs + b, sums + b, codes,
             scales + b * 32, zeros + b * step, total);
    b++;
    block_s8(M, PLANES, BITS, LAST, 1, length, blocks, x + (b - 1) * 16, xs + b, sums + b, codes,
             scales + b * 32, zeros + b * step, total);
    codes += 128 * BITS;
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int p = 0; p < 2; p++)
      store_f32(total[i][p], n, 16 * p, bias, y + i * ldy);
}

void dl_nbits_s8__vnni(intptr_t m, intptr_t n, int planes, const int8_t *x, const float *xs,
                       const float *sums, const dl_nbits_weights *w, const float *bias, float *y,
                       intptr_t ldy) {
  const intptr_t groups = dl_nbits_groups(w), bytes = w->bits == 8 ? 1024 : 512;
  for (intptr_t j = 0; j < n; j += 32) {
    const uint8_t *codes = w->codes + j / 32 * groups * bytes;
    uint8_t same[32];
    intptr_t step;
    const uint8_t *zeros = panel_zeros(w, j, same, &step);
    for (intptr_t i = 0, rows; i < m; i += rows) {
      const int8_t *row = x + i * groups * 32 * planes;
      const float *scale = xs + i * w->blocks, *sum = sums + i * w->blocks;
      const intptr_t most = planes == 3 ? 2 : m - i >= 8 && w->sub > 1 ? 8 : 4;
      rows = m - i < most ? m - i : most;
#define CALL_PLANES(M, PLANES, BITS, HALF)                                                         \
  rows_s8(M, PLANES, BITS, HALF, n - j, row, scale, sum, w, codes, w->scales + j * w->blocks,      \
          zeros, step, bias ? bias + j : bias, y + i * ldy + j, ldy);
#define CALL(M, BITS, HALF) CALL_PLANES(M, 1, BITS, HALF)
#define CALL_3(M, BITS, HALF) CALL_PLANES(M, 3, BITS, HALF)
      if (planes == 1)
        switch (rows) {
          FORMS(1, CALL)
          FORMS(2, CALL)
          FORMS(3, CALL)
          FORMS(4, CALL)
          FORMS(8, CALL)
        }
      else
        switch (rows) {
          FORMS(1, CALL_3)
          FORMS(2, CALL_3)
        }
#undef CALL
#undef CALL_3
#undef CALL_PLANES
    }
  }
}
#pragma clang attribute pop
#endif
