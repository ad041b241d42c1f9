#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx2.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define MOST_COLUMNS 12
#define BROADCAST(p) broadcast(p)
#define NAME dl_blocked_conv_f32__avx2

static inline __attribute__((always_inline)) __m256 broadcast(const float *p) {
  __m256 v;
  __asm__ volatile("vbroadcastss %1, %0" : "=x"(v) : "m"(*p));
  return v;
}

// 16 registers: accumulators, a vector of weights a block, one broadcast.
#define FOUR(X, R, B) X(R, 1, B) X(R, 2, B) X(R, 3, B) X(R, 4, B)
#define SIX(X, R, B) FOUR(X, R, B) X(R, 5, B) X(R, 6, B)
#define TWELVE(X, R, B)                                                                            \
  SIX(X, R, B) X(R, 7, B) X(R, 8, B) X(R, 9, B) X(R, 10, B) X(R, 11, B) X(R, 12, B)
#define BLOCKED_TILES(X) TWELVE(X, 1, 1) SIX(X, 1, 2) FOUR(X, 1, 3)
#define PLAIN_TILES(X) TWELVE(X, 1, 1) SIX(X, 1, 2)
#define WIDE_TILES(X) FOUR(X, 1, 1) FOUR(X, 1, 2)
#define WIDE_PLAIN_TILES(X) PLAIN_TILES(X)

#include "conv_body.h"

#pragma clang attribute pop
#endif
