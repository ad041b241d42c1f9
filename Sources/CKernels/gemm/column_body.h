// Included once for each instruction set, with NAME appending its suffix.

void NAME(dl_gemm_f32_column)(intptr_t m, intptr_t k, const float *a, intptr_t lda, const float *b,
                              float *c, intptr_t ldc) {
  for (intptr_t i = 0; i < m; i += 4) {
    // Rows past the end read the last one again; their sums are not stored.
    const float *row[4];
    for (int r = 0; r < 4; r++)
      row[r] = a + (i + r < m ? i + r : m - 1) * lda;
    float total[4] = {0};
    for (intptr_t first = 0; first < k; first += 4096) {
      const intptr_t end = k - first < 4096 ? k : first + 4096;
      v16 s0 = {}, s1 = {}, s2 = {}, s3 = {}, t0 = {}, t1 = {}, t2 = {}, t3 = {}, x, y;
      intptr_t p = first;
      for (; p + 32 <= end; p += 32) {
        x = LOAD16(b + p), y = LOAD16(b + p + 16);
        s0 += LOAD16(row[0] + p) * x, t0 += LOAD16(row[0] + p + 16) * y;
        s1 += LOAD16(row[1] + p) * x, t1 += LOAD16(row[1] + p + 16) * y;
        s2 += LOAD16(row[2] + p) * x, t2 += LOAD16(row[2] + p + 16) * y;
        s3 += LOAD16(row[3] + p) * x, t3 += LOAD16(row[3] + p + 16) * y;
      }
      for (; p < end; p += 16) {
        const intptr_t w = end - p;
        v16 a0, a1, a2, a3;
        if (w >= 16) {
          x = LOAD16(b + p), a0 = LOAD16(row[0] + p), a1 = LOAD16(row[1] + p);
          a2 = LOAD16(row[2] + p), a3 = LOAD16(row[3] + p);
        } else {
          LOAD_PART16(x, b + p, w, (v16){});
          LOAD_PART16(a0, row[0] + p, w, (v16){});
          LOAD_PART16(a1, row[1] + p, w, (v16){});
          LOAD_PART16(a2, row[2] + p, w, (v16){});
          LOAD_PART16(a3, row[3] + p, w, (v16){});
        }
        s0 += a0 * x, s1 += a1 * x, s2 += a2 * x, s3 += a3 * x;
      }
      const v16 sum[4] = {s0 + t0, s1 + t1, s2 + t2, s3 + t3};
      for (int r = 0; r < 4; r++) {
        float pairs[8];
        for (int l = 0; l < 8; l++)
          pairs[l] = sum[r][l] + sum[r][l + 8];
        total[r] += ((pairs[0] + pairs[4]) + (pairs[1] + pairs[5])) +
                    ((pairs[2] + pairs[6]) + (pairs[3] + pairs[7]));
      }
    }
    for (int r = 0; r < 4 && i + r < m; r++)
      c[(i + r) * ldc] = total[r];
  }
}
