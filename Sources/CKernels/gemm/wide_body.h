// Included once for each instruction set, with NAME appending its suffix.

// sum[0..n) += a[0..count) times as many rows of b, one after the other.
static inline __attribute__((always_inline)) void NAME(add_rows)(const int count, intptr_t n,
                                                                 const float *a, const float *b,
                                                                 intptr_t ldb, float *sum) {
  intptr_t j = 0;
  for (; j + 32 <= n; j += 32) {
    v16 s = LOAD16(sum + j), t = LOAD16(sum + j + 16);
    UNROLL for (int p = 0; p < count; p++) {
      s += a[p] * LOAD16(b + p * ldb + j);
      t += a[p] * LOAD16(b + p * ldb + j + 16);
    }
    STORE16(sum + j, s);
    STORE16(sum + j + 16, t);
  }
  for (; j < n; j++)
    UNROLL for (int p = 0; p < count; p++) sum[j] += a[p] * b[p * ldb + j];
}

void NAME(dl_gemv_f32_wide)(intptr_t n, intptr_t k, const float *a, const float *b, intptr_t ldb,
                            float *c, const dl_gemm_epilogue *e) {
  float sum[WIDE];
  for (intptr_t j = 0; j < n; j += WIDE) {
    const intptr_t width = n - j < WIDE ? n - j : WIDE;
    memset(sum, 0, (size_t)width * sizeof *sum);
    intptr_t p = 0;
    for (; p + ROWS <= k; p += ROWS)
      NAME(add_rows)(ROWS, width, a + p, b + p * ldb + j, ldb, sum);
    for (; p < k; p++)
      NAME(add_rows)(1, width, a + p, b + p * ldb + j, ldb, sum);
    finish(width, sum, c + j, j, e);
  }
}
