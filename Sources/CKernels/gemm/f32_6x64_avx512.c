#include "gemm.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// How far the panel's own lines are fetched ahead of their use, and those of rows of a matrix;
// columns of a panel.
enum { AHEAD_BYTES = 8192, AHEAD_ROWS = 8, PANEL = 64 };

// Written as assembly so that the broadcast stays where it is: 24 accumulators and 4 vectors of B
// leave four registers, and hoisted broadcasts would spill.
INLINE __m512 broadcast(const char *p) {
  __m512 r;
  __asm__ volatile("vbroadcastss %1, %0" : "=v"(r) : "m"(*(const float *)p));
  return r;
}

// The finishing of a tile whose sums lie in `sum`, rows of 16 * NV elements.
__attribute__((noinline)) static void finish(intptr_t m, intptr_t n, const int NV, float *sum,
                                             float *c, intptr_t ldc, const dl_gemm_epilogue *e) {
  const __m512 alpha = _mm512_set1_ps((float)e->alpha), beta = _mm512_set1_ps((float)e->beta);
  const __m512 low = _mm512_set1_ps((float)e->low), high = _mm512_set1_ps((float)e->high);
  for (intptr_t i = 0; i < m; i++) {
    for (intptr_t j = 0; j < n; j += 16) {
      const __mmask16 mask = n - j >= 16 ? 0xFFFF : (__mmask16)((1u << (n - j)) - 1);
      float *at = sum + (i * NV * 16 + j);
      __m512 v = _mm512_load_ps(at);
      if (e->alpha != 1)
        v = _mm512_mul_ps(v, alpha);
      if (e->addend) {
        const float *p = (const float *)e->addend + i * e->addend_row + j * e->addend_column;
        __m512 x;
        if (e->addend_column == 0) {
          x = _mm512_set1_ps(*p);
        } else if (e->addend_column == 1) {
          x = _mm512_maskz_loadu_ps(mask, p);
        } else {
          float lanes[16] = {0};
          for (int l = 0; l < 16 && mask >> l & 1; l++)
            lanes[l] = p[l * e->addend_column];
          x = _mm512_loadu_ps(lanes);
        }
        v = e->beta == 1 ? _mm512_add_ps(v, x) : _mm512_fmadd_ps(beta, x, v);
      }
      if (e->clip) {
        // The second operand is the result where either is NaN.
        v = _mm512_max_ps(low, v);
        v = _mm512_min_ps(high, v);
      }
      _mm512_store_ps(at, v);
    }
  }
  // One call a tile: rows are as wide as the panel, and what lies past n is never stored.
  if (e->function)
    e->function(sum, sum, (size_t)(m * NV * 16), e->parameters);
  for (intptr_t i = 0; i < m; i++) {
    for (intptr_t j = 0; j < n; j += 16) {
      const __mmask16 mask = n - j >= 16 ? 0xFFFF : (__mmask16)((1u << (n - j)) - 1);
      __m512 v = _mm512_load_ps(sum + (i * NV * 16 + j));
      if (e->residual) {
        const float *p = (const float *)e->residual + i * e->residual_row + j;
        v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, p));
      }
      _mm512_mask_storeu_ps(c + i * ldc + j, mask, v);
    }
  }
}

// M rows times NV vectors of 16 columns. EDGE: the last vector has the lanes of `mask` alone. KEEP:
// the panel, which lies in its matrix, is stored as tiles after this one read it.
INLINE void tile(const int M, const int NV, const int EDGE, const int KEEP, __mmask16 mask,
                 intptr_t n, intptr_t k, const float *a, intptr_t a_row, intptr_t a_step,
                 const float *b, intptr_t ldb, float *c, intptr_t ldc, float *kept,
                 const dl_gemm_epilogue *e) {
#define LANES(j) (EDGE && (j) == NV - 1 ? mask : (__mmask16)0xFFFF)
  __m512 sum[12][4];
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < NV; j++) sum[i][j] =
      e->accumulate ? _mm512_maskz_loadu_ps(LANES(j), c + i * ldc + 16 * j) : _mm512_setzero_ps();
  // Distances of rows in bytes, kept apart so that addresses need no registers of their own.
  intptr_t r1 = a_row * 4, r3 = a_row * 12, r5 = a_row * 20, r7 = a_row * 28;
  __asm__("" : "+r"(r1), "+r"(r3), "+r"(r5), "+r"(r7));
  const char *p = (const char *)a, *q = p + 8 * r1;
  // Lines that are only wanted once the sums are done come in meanwhile.
  const float *residual = e->final ? e->residual : NULL;
  if (residual) {
    UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < NV; j++)
        _mm_prefetch((const char *)(residual + i * e->residual_row + 16 * j), _MM_HINT_T0);
  }
  const char *next = (const char *)(e->next ? e->next : b);
  const intptr_t step = a_step * 4, next_step = e->next ? e->next_step : 0;
  const int isWide = next_step > 64;
#define ROW(i, address)                                                                            \
  if (M > i) {                                                                                     \
    __m512 x = broadcast(address);                                                                 \
    UNROLL for (int j = 0; j < NV; j++) sum[i][j] = _mm512_fmadd_ps(x, row[j], sum[i][j]);         \
  }
// One step of the sums, `at` bytes further along A's rows.
#define ROWS(at)                                                                                   \
  ROW(0, p + (at))                                                                                 \
  ROW(1, p + r1 + (at))                                                                            \
  ROW(2, p + 2 * r1 + (at))                                                                        \
  ROW(3, p + r3 + (at))                                                                            \
  ROW(4, p + 4 * r1 + (at))                                                                        \
  ROW(5, p + r5 + (at))                                                                            \
  ROW(6, p + 2 * r3 + (at))                                                                        \
  ROW(7, p + r7 + (at))                                                                            \
  ROW(8, q + (at))                                                                                 \
  ROW(9, q + r1 + (at))                                                                            \
  ROW(10, q + 2 * r1 + (at))                                                                       \
  ROW(11, q + r3 + (at))
// Four steps at once, which fetch LINES lines of what is wanted next.
#define QUADS(LINES)                                                                               \
  for (const float *end = b + PANEL * k; b != end; b += 4 * PANEL) {                               \
    UNROLL for (int u = 0; u < 4; u++) {                                                           \
      __asm__ volatile("" ::: "memory");                                                           \
      __m512 row[4];                                                                               \
      UNROLL for (int j = 0; j < NV; j++) row[j] = _mm512_loadu_ps(b + PANEL * u + 16 * j);        \
      ROWS(4 * u)                                                                                  \
    }                                                                                              \
    UNROLL for (int u = 0; u < (LINES); u++)                                                       \
        _mm_prefetch(next + 4 / (LINES)*u * next_step, _MM_HINT_T1);                               \
    next += 4 * next_step;                                                                         \
    p += 16;                                                                                       \
    q += 16;                                                                                       \
  }
  // Where A's rows and B's panel are contiguous and the panel is near, there are 36 instructions a
  // step for 24 multiplications, 46 below: as many as a core's thread has slots for in 12 clocks
  // while another one works beside it.
  const int isNear =
      !KEEP && !EDGE && M >= 4 && !e->far && a_step == 1 && ldb == PANEL && k % 4 == 0;
  if (isNear && next_step <= 32) {
    QUADS(2)
  } else if (isNear && next_step <= 64) {
    QUADS(4)
  } else {
    for (intptr_t l = 0; l < k; l++) {
      __asm__ volatile("" ::: "memory");
      __m512 row[4];
      UNROLL for (int j = 0; j < NV; j++) row[j] =
          EDGE ? _mm512_maskz_loadu_ps(LANES(j), b + 16 * j) : _mm512_loadu_ps(b + 16 * j);
      // A prefetch never faults, so it may run ahead of the panel.
      const char *ahead =
          (const char *)((uintptr_t)b + (KEEP ? (uintptr_t)ldb * (4 * AHEAD_ROWS) : AHEAD_BYTES));
      UNROLL for (int j = 0; j < NV; j++) _mm_prefetch(ahead + 64 * j, _MM_HINT_T0);
      if (KEEP) {
        UNROLL for (int j = 0; j < NV; j++) _mm512_storeu_ps(kept + 16 * j, row[j]);
        kept += PANEL;
      }
      _mm_prefetch(next, _MM_HINT_T1);
      if (isWide)
        _mm_prefetch(next + 64, _MM_HINT_T1);
      next += next_step;
      ROWS(0)
      p += step;
      q += step;
      b += ldb;
    }
  }
#undef QUADS
#undef ROWS
#undef ROW
  if (e->final && !e->plain) {
    float out[12 * 64] __attribute__((aligned(64)));
    // A bias alone before the function, as in most networks.
    if (e->function && e->alpha == 1 && !e->clip &&
        (!e->addend || (e->beta == 1 && e->addend_row == 0 && e->addend_column == 1))) {
      const float *add = e->addend;
      UNROLL for (int j = 0; j < NV; j++) {
        const __m512 x = add ? _mm512_maskz_loadu_ps(LANES(j), add + 16 * j) : _mm512_setzero_ps();
        UNROLL for (int i = 0; i < M; i++)
            _mm512_store_ps(out + (i * NV + j) * 16, add ? _mm512_add_ps(sum[i][j], x) : sum[i][j]);
      }
      e->function(out, out, (size_t)(M * NV * 16), e->parameters);
      UNROLL for (int j = 0; j < NV; j++) UNROLL for (int i = 0; i < M; i++) {
        __m512 v = _mm512_load_ps(out + (i * NV + j) * 16);
        if (residual)
          v = _mm512_add_ps(
              v, _mm512_maskz_loadu_ps(LANES(j), residual + i * e->residual_row + 16 * j));
        _mm512_mask_storeu_ps(c + i * ldc + 16 * j, LANES(j), v);
      }
      return;
    }
    UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < NV; j++)
        _mm512_store_ps(out + (i * NV + j) * 16, sum[i][j]);
    finish(M, n, NV, out, c, ldc, e);
    return;
  }
  const float *bias = e->final ? e->addend : NULL;
  if (bias) {
    UNROLL for (int j = 0; j < NV; j++) {
      const __m512 x = _mm512_maskz_loadu_ps(LANES(j), bias + 16 * j);
      UNROLL for (int i = 0; i < M; i++) sum[i][j] = _mm512_add_ps(sum[i][j], x);
    }
  }
  if (e->final && e->clip) {
    // The second operand is the result where either is NaN.
    const __m512 low = _mm512_set1_ps((float)e->low), high = _mm512_set1_ps((float)e->high);
    UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < NV; j++) sum[i][j] =
        _mm512_min_ps(high, _mm512_max_ps(low, sum[i][j]));
  }
  UNROLL for (int j = 0; j < NV; j++) {
    UNROLL for (int i = 0; i < M; i++) {
      __m512 v = sum[i][j];
      if (residual)
        v = _mm512_add_ps(v,
                          _mm512_maskz_loadu_ps(LANES(j), residual + i * e->residual_row + 16 * j));
      if (EDGE && j == NV - 1)
        _mm512_mask_storeu_ps(c + i * ldc + 16 * j, mask, v);
      else
        _mm512_storeu_ps(c + i * ldc + 16 * j, v);
    }
  }
#undef LANES
}

#define CASE(M, NV)                                                                                \
  case M:                                                                                          \
    if (n == 16 * NV)                                                                              \
      tile(M, NV, 0, KEEP, 0xFFFF, n, k, a, a_row, a_step, b, ldb, c, ldc, kept, e);               \
    else                                                                                           \
      tile(M, NV, 1, KEEP, mask, n, k, a, a_row, a_step, b, ldb, c, ldc, kept, e);                 \
    break;
#define FEW_ROWS(NV) CASE(1, NV) CASE(2, NV) CASE(3, NV) CASE(4, NV) CASE(5, NV) CASE(6, NV)
#define MORE_ROWS(NV) CASE(9, NV) CASE(10, NV) CASE(11, NV) CASE(12, NV)

INLINE void tiles(const int KEEP, intptr_t m, intptr_t n, intptr_t k, const float *a,
                  intptr_t a_row, intptr_t a_step, const float *b, intptr_t ldb, float *c,
                  intptr_t ldc, float *kept, const dl_gemm_epilogue *e) {
  const __mmask16 mask = n % 16 == 0 ? 0xFFFF : (__mmask16)((1u << (n % 16)) - 1);
  switch ((n + 15) / 16) {
  case 4:
    switch (m) { FEW_ROWS(4) }
    break;
  case 3:
    switch (m) { FEW_ROWS(3) CASE(7, 3) CASE(8, 3) }
    break;
  case 2:
    switch (m) { FEW_ROWS(2) CASE(7, 2) CASE(8, 2) MORE_ROWS(2) }
    break;
  case 1:
    switch (m) { FEW_ROWS(1) CASE(7, 1) CASE(8, 1) MORE_ROWS(1) }
    break;
  }
}

DL_GEMM_TILE(dl_gemm_f32_6x64__avx512) {
  tiles(0, m, n, k, a, a_row, a_step, b, ldb, c, ldc, NULL, e);
}

DL_GEMM_KEEPING_TILE(dl_gemm_f32_6x64_keep__avx512) {
  tiles(1, m, n, k, a, a_row, a_step, b, ldb, c, ldc, kept, e);
}

#undef MORE_ROWS
#undef FEW_ROWS
#undef CASE
#pragma clang attribute pop
#endif
