// The tiles of one instruction set. Defined before inclusion: NAME, TILE (name of the tile), VEC,
// LANES (int32 of a vector), ZERO, LOAD, STORE (int32 vectors), BROADCAST (4 bytes to all lanes),
// ADD, DOT(sum, a, b) and NR (columns of a panel).
#define UNROLL _Pragma("clang loop unroll(full)")
#define INLINE static inline __attribute__((always_inline))

// M rows times NV vectors of columns of one panel. Few rows are summed in two halves, so that no
// multiplication waits for the one before.
INLINE void TILE(const int M, const int NV, intptr_t groups, intptr_t tail, const char *a,
                 intptr_t lda, const char *b, const int32_t *start, int32_t *sums) {
  enum { AHEAD_BYTES = 4096 };
  const int CHAINS = M <= 2 ? 2 : 1;
  VEC sum[2][12][NR / LANES];
  UNROLL for (int j = 0; j < NV; j++) {
    const VEC first = LOAD(start + LANES * j);
    UNROLL for (int i = 0; i < M; i++) {
      sum[0][i][j] = first;
      if (CHAINS > 1)
        sum[CHAINS - 1][i][j] = ZERO();
    }
  }
  // Distances of rows kept apart, so that addresses need no registers of their own.
  intptr_t r1 = lda, r3 = lda * 3, r5 = lda * 5, r7 = lda * 7;
  __asm__("" : "+r"(r1), "+r"(r3), "+r"(r5), "+r"(r7));
  const char *p = a, *q = a + 8 * r1;
#define ROW(i, address, chain)                                                                     \
  if (M > i) {                                                                                     \
    const VEC x = BROADCAST(address);                                                              \
    UNROLL for (int j = 0; j < NV; j++) sum[chain][i][j] = DOT(sum[chain][i][j], x, w[j]);         \
  }
#define STEP(chain)                                                                                \
  {                                                                                                \
    VEC w[NR / LANES];                                                                             \
    UNROLL for (int j = 0; j < NV; j++) w[j] = LOAD(b + 4 * LANES * j);                            \
    const char *ahead = (const char *)((uintptr_t)b + AHEAD_BYTES);                                \
    UNROLL for (int j = 0; j < NV; j += 64 / (4 * LANES)) __builtin_prefetch(ahead + 64 * j);      \
    ROW(0, p, chain)                                                                               \
    ROW(1, p + r1, chain)                                                                          \
    ROW(2, p + 2 * r1, chain)                                                                      \
    ROW(3, p + r3, chain)                                                                          \
    ROW(4, p + 4 * r1, chain)                                                                      \
    ROW(5, p + r5, chain)                                                                          \
    ROW(6, p + 2 * r3, chain)                                                                      \
    ROW(7, p + r7, chain)                                                                          \
    ROW(8, q, chain)                                                                               \
    ROW(9, q + r1, chain)                                                                          \
    ROW(10, q + 2 * r1, chain)                                                                     \
    ROW(11, q + r3, chain)                                                                         \
    p += 4;                                                                                        \
    q += 4;                                                                                        \
    b += 4 * NR;                                                                                   \
  }
  intptr_t g = 0;
  if (CHAINS > 1)
    for (; g + 2 <= groups; g += 2) {
      STEP(0)
      STEP(CHAINS - 1)
    }
  for (; g < groups; g++)
    STEP(0)
#undef STEP
#undef ROW
  // What is left of a row is not read beyond its end.
  if (tail > 0) {
    UNROLL for (int i = 0; i < M; i++) {
      char last[4] = {0};
      for (intptr_t z = 0; z < tail; z++)
        last[z] = a[i * lda + 4 * groups + z];
      const VEC x = BROADCAST(last);
      UNROLL for (int j = 0; j < NV; j++) sum[0][i][j] =
          DOT(sum[0][i][j], x, LOAD(b + 4 * LANES * j));
    }
  }
  UNROLL for (int i = 0; i < M; i++) UNROLL for (int j = 0; j < NV; j++)
      STORE(sums + i * 64 + LANES * j,
            CHAINS > 1 ? ADD(sum[0][i][j], sum[CHAINS - 1][i][j]) : sum[0][i][j]);
}

#define CASE(M, NV)                                                                                \
  case M:                                                                                          \
    TILE(M, NV, groups, tail, a, lda, b, start, sums);                                             \
    break;
#define FEW_ROWS(NV) CASE(1, NV) CASE(2, NV) CASE(3, NV) CASE(4, NV) CASE(5, NV) CASE(6, NV)
#define MORE_ROWS(NV) CASE(7, NV) CASE(8, NV) CASE(9, NV) CASE(10, NV) CASE(11, NV) CASE(12, NV)
