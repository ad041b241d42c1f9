// The walks with the shifts of BMI2, which need no register of flags.
#include "../include/trees.h"
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2"))), apply_to = function)
#endif
#define ISA avx2
#include "kinds.h"

void dl_forest_sum_f32__avx2(const dl_forest *f, const float *x, const float *xt, int count,
                             float *sums, uint32_t *at, uint32_t *list) {
  (void)xt;
  sum_f32(f, x, count, sums, at, list);
}
#if defined(__x86_64__)
#pragma clang attribute pop
#endif
