// e^x with AVX-512, and what is made of it; included within its target. Bounds in ulp as in
// math_body.h, whose polynomials stand here again.
#pragma once
#include "../lanes/exp_avx512.h"
#include <immintrin.h>

// 2 ulp, over the whole range: scalef overflows and underflows as e^x does.
static inline __attribute__((always_inline)) __m512 dl_exp_avx512(__m512 x) {
  // The second operand is the result where one is NaN.
  x = _mm512_max_ps(_mm512_set1_ps(-110.0f), _mm512_min_ps(_mm512_set1_ps(90.0f), x));
  __m512 k;
  const __m512 p = dl_exp_parts_avx512(x, &k);
  return _mm512_scalef_ps(p, k);
}

// Where |x| < `end` the odd polynomial of x, elsewhere `large` with the sign of x.
static inline __attribute__((always_inline)) __m512 dl_odd_or_large(__m512 x, float end,
                                                                    __m512 small, __m512 large) {
  const __m512 sign = _mm512_set1_ps(-0.0f);
  const __mmask16 near = _mm512_cmp_ps_mask(_mm512_abs_ps(x), _mm512_set1_ps(end), _CMP_LT_OQ);
  return _mm512_mask_blend_ps(near, _mm512_or_ps(large, _mm512_and_ps(x, sign)), small);
}
#define STEP(p, z, c) _mm512_fmadd_ps(p, z, _mm512_set1_ps(c))

// 3 ulp.
static inline __attribute__((always_inline)) __m512 dl_tanh_avx512(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f), a = _mm512_abs_ps(x), z = _mm512_mul_ps(x, x);
  __m512 p = _mm512_set1_ps(-5.70498872745E-3f);
  p = STEP(p, z, 2.06390887954E-2f);
  p = STEP(p, z, -5.37397155531E-2f);
  p = STEP(p, z, 1.33314422036E-1f);
  p = STEP(p, z, -3.33332819422E-1f);
  const __m512 small = _mm512_fmadd_ps(_mm512_mul_ps(p, z), x, x);
  const __m512 e = dl_exp_avx512(_mm512_add_ps(a, a));
  const __m512 part = _mm512_div_ps(_mm512_set1_ps(2.0f), _mm512_add_ps(e, one));
  return dl_odd_or_large(x, 0.625f, small, _mm512_sub_ps(one, part));
}

// 3 ulp.
static inline __attribute__((always_inline)) __m512 dl_erf_avx512(__m512 x) {
  const __m512 a = _mm512_abs_ps(x), z = _mm512_mul_ps(x, x);
  __m512 p = _mm512_set1_ps(8.362292e-05f);
  p = STEP(p, z, -0.00081414764f);
  p = STEP(p, z, 0.0052009895f);
  p = STEP(p, z, -0.026859414f);
  p = STEP(p, z, 0.112836964f);
  p = STEP(p, z, -0.37612635f);
  p = STEP(p, z, 0.12837917f);
  const __m512 small = _mm512_fmadd_ps(p, x, x);
  const __m512 t = _mm512_min_ps(_mm512_set1_ps(4.0f), a);
  __m512 q = _mm512_set1_ps(1.1523555e-05f);
  q = STEP(q, t, -0.00032566488f);
  q = STEP(q, t, 0.0036538115f);
  q = STEP(q, t, -0.023785442f);
  q = STEP(q, t, 0.10626325f);
  q = STEP(q, t, 0.6351358f);
  q = STEP(q, t, 1.1286522f);
  q = _mm512_mul_ps(q, _mm512_sub_ps(_mm512_setzero_ps(), t));
  const __m512 large = _mm512_sub_ps(_mm512_set1_ps(1.0f), dl_falling_exp_avx512(q));
  return dl_odd_or_large(x, 0.92f, small, large);
}
#undef STEP

// 4 ulp on both sides of 0.
static inline __attribute__((always_inline)) __m512 dl_sigmoid_avx512(__m512 x) {
  const __m512 sign = _mm512_set1_ps(-0.0f), one = _mm512_set1_ps(1.0f);
  const __m512 e = dl_exp_avx512(_mm512_or_ps(x, sign));
  const __mmask16 below = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_div_ps(_mm512_mask_blend_ps(below, one, e), _mm512_add_ps(one, e));
}
