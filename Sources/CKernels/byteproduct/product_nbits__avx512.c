#include "nbits.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))
enum { AHEAD_BYTES = 4096 };

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)

// Zero points of 16 columns as float32.
INLINE __m512 zeros_f32(const dl_nbits_weights *w, intptr_t at) {
  if (!w->zeros)
    return _mm512_set1_ps((float)w->zero);
  return _mm512_cvtepi32_ps(
      _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(w->zeros + at))));
}

INLINE void store_f32(__m512 v, intptr_t n, intptr_t j, const float *bias, float *y) {
  if (j >= n)
    return;
  const __mmask16 mask = n - j >= 16 ? 0xFFFF : (__mmask16)((1u << (n - j)) - 1);
  if (bias)
    v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, bias + j));
  _mm512_mask_storeu_ps(y + j, mask, v);
}

// M rows and one panel. A permutation takes 4 bits of each lane: it is the table from nibble to
// number.
INLINE void rows_f32(const int M, const int BITS, intptr_t n, const float *x, const float *sums,
                     const dl_nbits_weights *w, const uint8_t *codes, const float *scales,
                     intptr_t zeros, const float *bias, float *y, intptr_t ldy) {
  const intptr_t length = w->blocks * w->sub * 32;
  const __m512 table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  __m512 total[4][2];
  UNROLL for (int i = 0; i < M; i++) total[i][0] = total[i][1] = _mm512_setzero_ps();
  for (intptr_t b = 0; b < w->blocks; b++) {
    __m512 part[4][2];
    UNROLL for (int i = 0; i < M; i++) part[i][0] = part[i][1] = _mm512_setzero_ps();
    for (intptr_t s = 0; s < w->sub; s++) {
      const float *row = x + (b * w->sub + s) * 32;
      for (int v = 0; v < (BITS == 8 ? 8 : 4); v++, codes += 128) {
        const __m512i c[2] = {_mm512_loadu_si512(codes), _mm512_loadu_si512(codes + 64)};
        _mm_prefetch((const char *)((uintptr_t)codes + AHEAD_BYTES), _MM_HINT_T0);
        _mm_prefetch((const char *)((uintptr_t)codes + AHEAD_BYTES + 64), _MM_HINT_T0);
        UNROLL for (int z = 0; z < 4; z++) {
          UNROLL for (int h = 0; h < (BITS == 8 ? 1 : 2); h++) {
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
              UNROLL for (int p = 0; p < 2; p++) part[i][p] = _mm512_fmadd_ps(a, f[p], part[i][p]);
            }
          }
        }
      }
    }
    UNROLL for (int p = 0; p < 2; p++) {
      const __m512 scale = _mm512_loadu_ps(scales + b * 32 + 16 * p);
      const __m512 zero = zeros_f32(w, zeros + b * 32 + 16 * p);
      UNROLL for (int i = 0; i < M; i++) {
        const __m512 sum = _mm512_set1_ps(sums[i * w->blocks + b]);
        total[i][p] = _mm512_fmadd_ps(scale, _mm512_fnmadd_ps(zero, sum, part[i][p]), total[i][p]);
      }
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int p = 0; p < 2; p++)
      store_f32(total[i][p], n, 16 * p, bias, y + i * ldy);
}

#define ROWS(M, ...)                                                                               \
  case M:                                                                                          \
    if (w->bits == 8)                                                                              \
      __VA_ARGS__(M, 8)                                                                            \
    else                                                                                           \
      __VA_ARGS__(M, 4)                                                                            \
    break;

void dl_nbits_f32__avx512(intptr_t m, intptr_t n, const float *x, const float *sums,
                          const dl_nbits_weights *w, const float *bias, float *y, intptr_t ldy) {
  const intptr_t groups = w->blocks * w->sub, bytes = w->bits == 8 ? 1024 : 512;
  for (intptr_t j = 0; j < n; j += 32) {
    const uint8_t *codes = w->codes + j / 32 * groups * bytes;
    for (intptr_t i = 0; i < m; i += 4) {
      const float *row = x + i * groups * 32, *sum = sums + i * w->blocks;
#define CALL(M, BITS)                                                                              \
  rows_f32(M, BITS, n - j, row, sum, w, codes, w->scales + j * w->blocks, j * w->blocks,           \
           bias ? bias + j : bias, y + i * ldy + j, ldy);
      switch (m - i < 4 ? m - i : 4) {
        ROWS(1, CALL)
        ROWS(2, CALL)
        ROWS(3, CALL)
        ROWS(4, CALL)
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

INLINE void rows_s8(const int M, const int BITS, intptr_t n, const int8_t *x, const float *xs,
                    const int32_t *sums, const dl_nbits_weights *w, const uint8_t *codes,
                    const float *scales, intptr_t zeros, const float *bias, float *y,
                    intptr_t ldy) {
  const intptr_t length = w->blocks * w->sub * 32;
  const __m512i low = _mm512_set1_epi8(15);
  __m512 total[4][2];
  UNROLL for (int i = 0; i < M; i++) total[i][0] = total[i][1] = _mm512_setzero_ps();
  for (intptr_t b = 0; b < w->blocks; b++) {
    __m512i part[4][2];
    UNROLL for (int p = 0; p < 2; p++) {
      const __m128i *at = (const __m128i *)(w->zeros + zeros + b * 32 + 16 * p);
      const __m512i zero =
          w->zeros ? _mm512_cvtepu8_epi32(_mm_loadu_si128(at)) : _mm512_set1_epi32(w->zero);
      UNROLL for (int i = 0; i < M; i++) part[i][p] =
          _mm512_mullo_epi32(zero, _mm512_set1_epi32(-sums[i * w->blocks + b]));
    }
    for (intptr_t s = 0; s < w->sub; s++) {
      const int8_t *row = x + (b * w->sub + s) * 32;
      UNROLL for (int v = 0; v < (BITS == 8 ? 8 : 4); v++, codes += 128) {
        _mm_prefetch((const char *)((uintptr_t)codes + AHEAD_BYTES), _MM_HINT_T0);
        _mm_prefetch((const char *)((uintptr_t)codes + AHEAD_BYTES + 64), _MM_HINT_T0);
        UNROLL for (int p = 0; p < 2; p++) {
          const __m512i c = _mm512_loadu_si512(codes + 64 * p);
          if (BITS == 8) {
            UNROLL for (int i = 0; i < M; i++) part[i][p] =
                _mm512_dpbusd_epi32(part[i][p], c, four(row + i * length + 4 * v));
          } else {
            const __m512i l = _mm512_and_si512(c, low);
            const __m512i h = _mm512_and_si512(_mm512_srli_epi16(c, 4), low);
            UNROLL for (int i = 0; i < M; i++) {
              part[i][p] = _mm512_dpbusd_epi32(part[i][p], l, four(row + i * length + 4 * v));
              part[i][p] = _mm512_dpbusd_epi32(part[i][p], h, four(row + i * length + 16 + 4 * v));
            }
          }
        }
      }
    }
    UNROLL for (int p = 0; p < 2; p++) {
      const __m512 scale = _mm512_loadu_ps(scales + b * 32 + 16 * p);
      UNROLL for (int i = 0; i < M; i++) {
        const __m512 factor = _mm512_mul_ps(scale, _mm512_set1_ps(xs[i * w->blocks + b]));
        total[i][p] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part[i][p]), factor, total[i][p]);
      }
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int p = 0; p < 2; p++)
      store_f32(total[i][p], n, 16 * p, bias, y + i * ldy);
}

void dl_nbits_s8__vnni(intptr_t m, intptr_t n, const int8_t *x, const float *xs,
                       const int32_t *sums, const dl_nbits_weights *w, const float *bias, float *y,
                       intptr_t ldy) {
  const intptr_t groups = w->blocks * w->sub, bytes = w->bits == 8 ? 1024 : 512;
  for (intptr_t j = 0; j < n; j += 32) {
    const uint8_t *codes = w->codes + j / 32 * groups * bytes;
    for (intptr_t i = 0; i < m; i += 4) {
      const int8_t *row = x + i * groups * 32;
      const float *scale = xs + i * w->blocks;
      const int32_t *sum = sums + i * w->blocks;
#define CALL(M, BITS)                                                                              \
  rows_s8(M, BITS, n - j, row, scale, sum, w, codes, w->scales + j * w->blocks, j * w->blocks,     \
          bias ? bias + j : bias, y + i * ldy + j, ldy);
      switch (m - i < 4 ? m - i : 4) {
        ROWS(1, CALL)
        ROWS(2, CALL)
        ROWS(3, CALL)
        ROWS(4, CALL)
      }
#undef CALL
    }
  }
}
#pragma clang attribute pop
#endif
