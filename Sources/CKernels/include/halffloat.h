// Conversions between half-precision floats (float16, bfloat16 as bit patterns) and float32.
// Widening is exact; narrowing rounds to nearest, ties to even; NaN stays NaN.
#ifndef DL_HALFFLOAT_H
#define DL_HALFFLOAT_H

#include <stddef.h>
#include <stdint.h>

void dl_widen_f16_f32__scalar(const uint16_t *x, float *y, ptrdiff_t n);
void dl_narrow_f32_f16__scalar(const float *x, uint16_t *y, ptrdiff_t n);
// F16C belongs to every machine with AVX2.
void dl_widen_f16_f32__avx2(const uint16_t *x, float *y, ptrdiff_t n);
void dl_narrow_f32_f16__avx2(const float *x, uint16_t *y, ptrdiff_t n);
void dl_widen_bf16_f32__scalar(const uint16_t *x, float *y, ptrdiff_t n);
void dl_narrow_f32_bf16__scalar(const float *x, uint16_t *y, ptrdiff_t n);

#endif
