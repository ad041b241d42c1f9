#include "gemm.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <string.h>

#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

enum { MR = 6, NR = 16 };

// The way of a number to memory, but for function and residual.
INLINE float32x4_t scale(float32x4_t v, const float *addend, intptr_t column,
                         const dl_gemm_epilogue *e) {
  if (e->alpha != 1)
    v = vmulq_n_f32(v, (float)e->alpha);
  if (addend) {
    const intptr_t step = e->addend_column;
    const float *p = addend + column * step;
    float32x4_t x;
    if (step == 0)
      x = vdupq_n_f32(*p);
    else if (step == 1)
      x = vld1q_f32(p);
    else
      x = (float32x4_t){p[0], p[step], p[2 * step], p[3 * step]};
    v = e->beta == 1 ? vaddq_f32(v, x) : vfmaq_n_f32(v, x, (float)e->beta);
  }
  if (e->clip) {
    const float32x4_t low = vdupq_n_f32((float)e->low), high = vdupq_n_f32((float)e->high);
    // NaN compares false and stays.
    v = vbslq_f32(vcltq_f32(v, low), low, v);
    v = vbslq_f32(vcgtq_f32(v, high), high, v);
  }
  return v;
}

// The function and the residual of a tile that lies in memory.
__attribute__((noinline)) static void finish(intptr_t m, intptr_t n, float *c, intptr_t ldc,
                                             const dl_gemm_epilogue *e) {
  for (intptr_t i = 0; i < m; i++, c += ldc) {
    if (e->function)
      e->function(c, c, (size_t)n, e->parameters);
    if (e->residual) {
      const float *from = (const float *)e->residual + i * e->residual_row;
      for (intptr_t j = 0; j < n; j++)
        c[j] += from[j];
    }
  }
}

// Sums of fewer than NR columns, to memory.
__attribute__((noinline)) static void store_edge(intptr_t m, intptr_t n, const float (*sum)[NR],
                                                 float *c, intptr_t ldc,
                                                 const dl_gemm_epilogue *e) {
  const float alpha = (float)e->alpha, beta = (float)e->beta;
  const float low = (float)e->low, high = (float)e->high;
  for (intptr_t i = 0; i < m; i++)
    for (intptr_t j = 0; j < n; j++) {
      float v = sum[i][j];
      if (e->final) {
        v *= alpha;
        if (e->addend)
          v = __builtin_fmaf(
              beta, ((const float *)e->addend)[i * e->addend_row + j * e->addend_column], v);
        if (e->clip) {
          v = v < low ? low : v;
          v = v > high ? high : v;
        }
      }
      c[i * ldc + j] = v;
    }
}

// A step of the sums of row i: x times the four vectors of b, by element.
#define ROW(i, x, lane)                                                                            \
  UNROLL for (int j = 0; j < Q; j++) sum[i][j] = vfmaq_laneq_f32(sum[i][j], row[j], x, lane);

// One element in lane 0, the others unsettled; as a plain load, since one that fills all lanes
// would occupy a vector pipeline besides.
INLINE float32x4_t load_one(const float *p) {
  float32x4_t x;
  __asm__ volatile("ldr %s0, %1" : "=w"(x) : "m"(*p));
  return x;
}

// The first n of 4 elements, 1 <= n <= 4, zeros behind them.
INLINE float32x4_t load_part(const float *p, intptr_t n) {
  if (n == 4)
    return vld1q_f32(p);
  if (n == 1)
    return vld1q_lane_f32(p, vdupq_n_f32(0), 0);
  float32x4_t v = vcombine_f32(vld1_f32(p), vdup_n_f32(0));
  return n == 3 ? vld1q_lane_f32(p + 2, v, 2) : v;
}

// Q vectors of 4 columns. The last one ends at column n: where n is no multiple of 4 it begins
// among the columns of the one before, whose sums come out the same twice. PART: n < 4, and there
// is one vector. NEAR: the elements of a step lie side by side, M == 6.
INLINE void sums(const int M, const int Q, const int PART, const int NEAR, intptr_t n, intptr_t k,
                 const float *a, intptr_t a_row, intptr_t a_step, const float *b, intptr_t ldb,
                 const float *c, intptr_t ldc, int accumulate, float32x4_t (*sum)[4]) {
  const intptr_t last = PART ? 0 : n - 4;
#define VECTOR_AT(p, j)                                                                            \
  (PART ? load_part(p, n) : vld1q_f32((p) + ((j) == Q - 1 ? last : (intptr_t)(j)*4)))
  UNROLL for (int i = 0; i < M; i++) {
    UNROLL for (int j = 0; j < Q; j++) sum[i][j] =
        accumulate ? VECTOR_AT(c + i * ldc, j) : vdupq_n_f32(0);
  }
  for (intptr_t p = 0; p < k; p++, a += a_step, b += ldb) {
    float32x4_t row[4];
    UNROLL for (int j = 0; j < Q; j++) row[j] = VECTOR_AT(b, j);
    if (NEAR) {
      const float32x4_t x = vld1q_f32(a);
      const float32x2_t y = vld1_f32(a + 4);
      ROW(0, x, 0)
      ROW(1, x, 1)
      ROW(2, x, 2)
      ROW(3, x, 3)
      UNROLL for (int j = 0; j < Q; j++) sum[4][j] = vfmaq_lane_f32(sum[4][j], row[j], y, 0);
      UNROLL for (int j = 0; j < Q; j++) sum[5][j] = vfmaq_lane_f32(sum[5][j], row[j], y, 1);
    } else {
      UNROLL for (int i = 0; i < M; i++) {
        const float32x4_t x = load_one(a + i * a_row);
        ROW(i, x, 0)
      }
    }
  }
#undef VECTOR_AT
}

// 16 columns.
INLINE void whole(const int M, const int NEAR, intptr_t k, const float *a, intptr_t a_row,
                  intptr_t a_step, const float *b, intptr_t ldb, float *c, intptr_t ldc,
                  const dl_gemm_epilogue *e) {
  float32x4_t sum[MR][4];
  sums(M, 4, 0, NEAR, NR, k, a, a_row, a_step, b, ldb, c, ldc, e->accumulate, sum);
  UNROLL for (int i = 0; i < M; i++) {
    if (e->final) {
      const float *addend =
          e->addend ? (const float *)e->addend + i * e->addend_row : (const float *)0;
      UNROLL for (int j = 0; j < 4; j++) sum[i][j] = scale(sum[i][j], addend, 4 * j, e);
    }
    UNROLL for (int j = 0; j < 4; j++) vst1q_f32(c + i * ldc + 4 * j, sum[i][j]);
  }
}

INLINE void edge(const int M, const int Q, const int PART, intptr_t n, intptr_t k, const float *a,
                 intptr_t a_row, intptr_t a_step, const float *b, intptr_t ldb, float *c,
                 intptr_t ldc, const dl_gemm_epilogue *e) {
  float32x4_t sum[MR][4];
  sums(M, Q, PART, 0, n, k, a, a_row, a_step, b, ldb, c, ldc, e->accumulate, sum);
  float to[MR][NR];
  UNROLL for (int i = 0; i < M; i++) {
    UNROLL for (int j = 0; j < Q; j++)
        vst1q_f32(to[i] + (j < Q - 1 || PART ? 4 * j : n - 4), sum[i][j]);
  }
  store_edge(M, n, (const float(*)[NR])to, c, ldc, e);
}

DL_GEMM_TILE(dl_gemm_f32_6x16__neon) {
  if (m == MR && n == NR && a_row == 1) {
    whole(6, 1, k, a, a_row, a_step, b, ldb, c, ldc, e);
  } else {
    // Vectors of columns, at most 4 of them; 0 where there are fewer columns than one holds, 5
    // where all are there.
    const intptr_t width = n == NR ? 5 : n < 4 ? 0 : (n + 3) / 4;
    switch (m * 8 + width) {
#define CASE(M)                                                                                    \
  case M * 8 + 5:                                                                                  \
    whole(M, 0, k, a, a_row, a_step, b, ldb, c, ldc, e);                                           \
    break;                                                                                         \
  case M * 8 + 4:                                                                                  \
    edge(M, 4, 0, n, k, a, a_row, a_step, b, ldb, c, ldc, e);                                      \
    break;                                                                                         \
  case M * 8 + 3:                                                                                  \
    edge(M, 3, 0, n, k, a, a_row, a_step, b, ldb, c, ldc, e);                                      \
    break;                                                                                         \
  case M * 8 + 2:                                                                                  \
    edge(M, 2, 0, n, k, a, a_row, a_step, b, ldb, c, ldc, e);                                      \
    break;                                                                                         \
  case M * 8 + 1:                                                                                  \
    edge(M, 1, 0, n, k, a, a_row, a_step, b, ldb, c, ldc, e);                                      \
    break;                                                                                         \
  case M * 8:                                                                                      \
    edge(M, 1, 1, n, k, a, a_row, a_step, b, ldb, c, ldc, e);                                      \
    break;
      CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#undef CASE
    }
  }
  if (e->final && (e->function || e->residual))
    finish(m, n, c, ldc, e);
}

#endif
