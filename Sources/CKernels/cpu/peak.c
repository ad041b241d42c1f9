#include <stdint.h>
#include <string.h>

#include "cpu.h"

// Twelve sums hide the latency of a multiplication with addition on cores with two such units. None
// begins with 2, which half of it and 1 is again: compilers would leave that one out.
#define CHAINS 12

static float sum_scalar(int64_t rounds, float factor) {
  float a[CHAINS];
  for (int i = 0; i < CHAINS; i++)
    a[i] = (float)i + 0.25f;
  for (int64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full) vectorize(disable)
    for (int i = 0; i < CHAINS; i++)
      a[i] = a[i] * factor + 1.0f;
  }
  float total = 0;
  for (int i = 0; i < CHAINS; i++)
    total += a[i];
  return total;
}

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
static float sum_avx2(int64_t rounds, float factor) {
  __m256 f = _mm256_set1_ps(factor), one = _mm256_set1_ps(1.0f), a[CHAINS];
  for (int i = 0; i < CHAINS; i++)
    a[i] = _mm256_set1_ps((float)i + 0.25f);
  for (int64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++)
      a[i] = _mm256_fmadd_ps(a[i], f, one);
  }
  __m256 total = a[0];
  for (int i = 1; i < CHAINS; i++)
    total = _mm256_add_ps(total, a[i]);
  return _mm256_cvtss_f32(total);
}
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
static float sum_avx512(int64_t rounds, float factor) {
  __m512 f = _mm512_set1_ps(factor), one = _mm512_set1_ps(1.0f), a[CHAINS];
  for (int i = 0; i < CHAINS; i++)
    a[i] = _mm512_set1_ps((float)i + 0.25f);
  for (int64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++)
      a[i] = _mm512_fmadd_ps(a[i], f, one);
  }
  __m512 total = a[0];
  for (int i = 1; i < CHAINS; i++)
    total = _mm512_add_ps(total, a[i]);
  return _mm512_cvtss_f32(total);
}
#pragma clang attribute pop
#endif

int64_t dl_peak_f32(int32_t isa, int64_t rounds, float *result) {
  int64_t lanes = 1;
#if defined(__x86_64__)
  if (isa >= 2) {
    *result = sum_avx512(rounds, 0.5f);
    lanes = 16;
  } else if (isa == 1) {
    *result = sum_avx2(rounds, 0.5f);
    lanes = 8;
  } else
#endif
    *result = sum_scalar(rounds, 0.5f);
  return rounds * CHAINS * lanes * 2;
}

void dl_peak_copy(void *to, const void *from, int64_t bytes) { memcpy(to, from, (size_t)bytes); }
