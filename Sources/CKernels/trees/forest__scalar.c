#define ISA scalar
#include "kinds.h"

void dl_forest_sum_f32__scalar(const dl_forest *f, const float *x, const float *xt, int count,
                               float *sums, uint32_t *at, uint32_t *list) {
  (void)xt;
  sum_f32(f, x, count, sums, at, list);
}
