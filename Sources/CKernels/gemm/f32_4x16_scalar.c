#include "gemm.h"

enum { MR = 4, NR = 16 };

DL_GEMM_TILE(dl_gemm_f32_4x16__scalar) {
  const float *pa = a, *pb = b;
  float *out = c;
  float sum[MR][NR];
  for (intptr_t i = 0; i < m; i++)
    for (intptr_t j = 0; j < n; j++)
      sum[i][j] = e->accumulate ? out[i * ldc + j] : 0;
  for (intptr_t p = 0; p < k; p++, pa += a_step, pb += ldb)
    for (intptr_t i = 0; i < m; i++)
      for (intptr_t j = 0; j < n; j++)
        sum[i][j] += pa[i * a_row] * pb[j];
  for (intptr_t i = 0; i < m; i++) {
    float *row = out + i * ldc;
    for (intptr_t j = 0; j < n; j++) {
      float v = sum[i][j];
      if (e->final) {
        v *= (float)e->alpha;
        if (e->addend)
          v +=
              (float)e->beta * ((const float *)e->addend)[i * e->addend_row + j * e->addend_column];
        if (e->clip) {
          v = v < (float)e->low ? (float)e->low : v;
          v = v > (float)e->high ? (float)e->high : v;
        }
      }
      row[j] = v;
    }
    if (e->final && e->function)
      e->function(row, row, (size_t)n, e->parameters);
    if (e->final && e->residual)
      for (intptr_t j = 0; j < n; j++)
        row[j] += ((const float *)e->residual)[i * e->residual_row + j];
  }
}
