#include "random.h"

#include <string.h>

// Products and sums are rounded one by one on every instruction set.
#pragma STDC FP_CONTRACT OFF

#define VECTORIZE _Pragma("clang loop vectorize(assume_safety)")

static inline uint64_t bits(double x) {
  uint64_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
static inline double real(uint64_t u) {
  double x;
  memcpy(&x, &u, sizeof x);
  return x;
}

#define DL_ISA scalar
#include "draw_body.h"
#undef DL_ISA

#if defined(__x86_64__)
#define DL_ISA avx2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "draw_body.h"
#pragma clang attribute pop
#undef DL_ISA

#define DL_ISA avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#include "draw_body.h"
#pragma clang attribute pop
#else
void dl_draw_uniform__avx2(uint64_t key, uint64_t first, int64_t count, double *y) {
  dl_draw_uniform__scalar(key, first, count, y);
}
void dl_draw_uniform__avx512(uint64_t key, uint64_t first, int64_t count, double *y) {
  dl_draw_uniform__scalar(key, first, count, y);
}
void dl_draw_normal__avx2(uint64_t key, uint64_t first, int64_t count, double *y) {
  dl_draw_normal__scalar(key, first, count, y);
}
void dl_draw_normal__avx512(uint64_t key, uint64_t first, int64_t count, double *y) {
  dl_draw_normal__scalar(key, first, count, y);
}
#endif
