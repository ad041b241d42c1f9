// Included once for each instruction set, with NAME appending its suffix.

// A block of `count` vectors of columns, the last of `width`: the whole factor stays in registers.
static inline __attribute__((always_inline)) void
NAME(thin_block)(const int k, const int count, intptr_t width, intptr_t m, const float *a,
                 intptr_t lda, const float *b, intptr_t ldb, float *c, intptr_t ldc,
                 const float *bias, const dl_gemm_epilogue *e) {
  v16 factor[8][4], add[4];
  const v16 low = SPLAT16((float)e->low), high = SPLAT16((float)e->high);
  const int is_part = width < 16;
  for (int v = 0; v < count; v++) {
    const int part = v + 1 == count && is_part;
    add[v] = (v16){};
    if (bias && part)
      LOAD_PART16(add[v], bias + 16 * v, width, (v16){});
    else if (bias)
      add[v] = LOAD16(bias + 16 * v);
    for (int p = 0; p < k; p++) {
      if (part)
        LOAD_PART16(factor[p][v], b + p * ldb + 16 * v, width, (v16){});
      else
        factor[p][v] = LOAD16(b + p * ldb + 16 * v);
    }
  }
  for (intptr_t i = 0; i < m; i++) {
    v16 sum[4];
    UNROLL for (int v = 0; v < count; v++) {
      sum[v] = (v16){};
      UNROLL for (int p = 0; p < k; p++) sum[v] += a[i * lda + p] * factor[p][v];
      if (bias)
        sum[v] += add[v];
      if (e->clip) {
        sum[v] = SELECT16(sum[v] < low, low, sum[v]);
        sum[v] = SELECT16(sum[v] > high, high, sum[v]);
      }
      if (v + 1 == count && is_part)
        STORE_PART16(c + i * ldc + 16 * v, sum[v], width);
      else
        STORE16(c + i * ldc + 16 * v, sum[v]);
    }
  }
}

#define CASE(K)                                                                                    \
  case K:                                                                                          \
    while (j < n) {                                                                                \
      const intptr_t left = n - j;                                                                 \
      if ((K) <= 4 && left >= 64)                                                                  \
        BLOCK(K, (K) <= 4 ? 4 : 1, 16)                                                             \
      else if (left >= 32)                                                                         \
        BLOCK(K, 2, 16)                                                                            \
      else if (left >= 16)                                                                         \
        BLOCK(K, 1, 16)                                                                            \
      else                                                                                         \
        BLOCK(K, 1, left)                                                                          \
    }                                                                                              \
    break;
#define BLOCK(K, COUNT, WIDTH)                                                                     \
  {                                                                                                \
    NAME(thin_block)(K, COUNT, WIDTH, m, a, lda, b + j, ldb, c + j, ldc, bias ? bias + j : 0, e);  \
    j += 16 * (COUNT);                                                                             \
  }

void NAME(dl_gemm_f32_thin)(intptr_t m, intptr_t n, intptr_t k, const float *a, intptr_t lda,
                            const float *b, intptr_t ldb, float *c, intptr_t ldc, const float *bias,
                            const dl_gemm_epilogue *e) {
  intptr_t j = 0;
  switch (k) {
    CASE(1)
    CASE(2)
    CASE(3)
    CASE(4)
    CASE(5)
    CASE(6)
    CASE(7)
    CASE(8)
  default:
    break;
  }
}
#undef CASE
#undef BLOCK
