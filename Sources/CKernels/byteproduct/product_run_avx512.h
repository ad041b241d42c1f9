// Tiles over a block, for both forms of AVX-512.
static void one_tile(intptr_t m, intptr_t n, intptr_t groups, intptr_t tail, const char *a,
                     intptr_t lda, const char *b, const int32_t *start, int32_t *sums) {
  switch ((n + 15) / 16) {
  case 4:
    switch (m) { FEW_ROWS(4) }
    break;
  case 3:
    switch (m) { FEW_ROWS(3) }
    break;
  case 2:
    switch (m) { FEW_ROWS(2) MORE_ROWS(2) }
    break;
  case 1:
    switch (m) { FEW_ROWS(1) MORE_ROWS(1) }
    break;
  }
}

static void run_blocks(intptr_t m, intptr_t n, intptr_t groups, intptr_t tail, const char *a,
                       intptr_t lda, const char *b, const dl_byteproduct_finish *e) {
  int32_t sums[12 * 64] __attribute__((aligned(64)));
  const intptr_t panel = (groups + (tail > 0)) * 256;
  for (intptr_t j = 0; j < n; j += 64, b += panel) {
    const intptr_t width = n - j < 64 ? n - j : 64;
    const intptr_t most = width > 32 ? 6 : 12;
    for (intptr_t i = 0; i < m; i += most) {
      const intptr_t rows = m - i < most ? m - i : most;
      one_tile(rows, width, groups, tail, a + i * lda, lda, b, e->start + j, sums);
      finish(rows, width, i, j, sums, e);
    }
  }
}
