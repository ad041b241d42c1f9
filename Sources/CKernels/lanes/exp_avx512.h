// Exponentials of sixteen lanes with AVX-512; included within its target.
#pragma once
#include <immintrin.h>

// e^x = 2^k p with k a whole number: k + r = x log2 e, |r| <= 1/2, log2 e in two parts; p is 2^r as
// the polynomial of degree 6 with the least relative error (1.9e-9).
static inline __attribute__((always_inline)) __m512 dl_exp_parts_avx512(__m512 x, __m512 *power) {
  const __m512 log2e = _mm512_set1_ps(1.44269502f);
  const __m512 k =
      _mm512_roundscale_ps(_mm512_mul_ps(x, log2e), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fmsub_ps(x, log2e, k);
  r = _mm512_fmadd_ps(x, _mm512_set1_ps(1.92596299e-8f), r);
  __m512 p = _mm512_set1_ps(0.000153458081f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.00133999309f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.00961848907f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.0555032864f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.240226462f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.693147182f));
  *power = k;
  return _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
}

// e^x for x <= 0, within 2 ulp; 0 below -87.33, where results would be subnormal and slow all that
// follows; NaN stays.
static inline __attribute__((always_inline)) __m512 dl_falling_exp_avx512(__m512 x) {
  // Not "less than", so that NaN is kept.
  const __mmask16 kept = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.33f), _CMP_NLT_UQ);
  __m512 k;
  const __m512 p = dl_exp_parts_avx512(x, &k);
  return _mm512_maskz_scalef_ps(kept, p, k);
}
