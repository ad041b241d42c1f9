// From sums [m][64] of a tile at row i0 and column j0 to memory, in plain C.
#include <math.h>

static void finish(intptr_t m, intptr_t n, intptr_t i0, intptr_t j0, int32_t *sums,
                   const dl_byteproduct_finish *e) {
  for (intptr_t i = 0; i < m; i++) {
    int32_t *sum = sums + i * 64;
    if (e->row)
      for (intptr_t j = 0; j < n; j++)
        sum[j] =
            (int32_t)((uint32_t)sum[j] - (uint32_t)e->row[i0 + i] * (uint32_t)e->column[j0 + j]);
    const intptr_t at = (i0 + i) * e->y_row + j0;
    if (e->output == dl_byteproduct_sums) {
      memcpy((int32_t *)e->y + at, sum, (size_t)n * 4);
      continue;
    }
    float v[64];
    for (intptr_t j = 0; j < n; j++)
      v[j] = (float)sum[j] * e->scale[j0 + j];
    if (e->rounds)
      for (intptr_t j = 0; j < n; j++) {
        float r = v[j] > e->round_low ? v[j] : e->round_low;
        r = r < e->round_high ? r : e->round_high;
        v[j] = rintf(r) * e->round_scale;
      }
    if (e->bias)
      for (intptr_t j = 0; j < n; j++)
        v[j] += e->bias[j0 + j];
    if (e->function)
      e->function(v, v, (size_t)n, e->parameters);
    if (e->residual) {
      const intptr_t from = (i0 + i) * e->residual_row + j0;
      for (intptr_t j = 0; j < n; j++) {
        // A product of its own, so that no compiler joins it with the sum.
        float x;
        if (e->residual_kind == 0)
          x = ((const float *)e->residual)[from + j];
        else if (e->residual_kind == 1)
          x = (float)(((const uint8_t *)e->residual)[from + j] - e->residual_zero) *
              e->residual_scale;
        else
          x = (float)(((const int8_t *)e->residual)[from + j] - e->residual_zero) *
              e->residual_scale;
        v[j] += x;
      }
    }
    if (e->output == dl_byteproduct_floats) {
      memcpy((float *)e->y + at, v, (size_t)n * 4);
      continue;
    }
    for (intptr_t j = 0; j < n; j++) {
      float q = v[j] * e->inverse;
      q = q > e->low ? q : e->low;
      q = q < e->high ? q : e->high;
      ((uint8_t *)e->y)[at + j] = (uint8_t)((int32_t)rintf(q) + e->zero);
    }
  }
}
