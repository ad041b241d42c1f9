#include "../include/chain.h"
#include "common.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define DL_ISA avx2
#define V __m256
#define LANES 8
#define MASK __m256i
#define MASK_OF(n)                                                                                 \
  _mm256_cmpgt_epi32(_mm256_set1_epi32((n) >= 8 ? 8 : (int)(n)),                                   \
                     _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
#define LOAD(x) _mm256_loadu_ps(x)
#define LOAD1(x, m) _mm256_maskload_ps(x, m)
#define STORE(x, a) _mm256_storeu_ps(x, a)
#define STORE1(x, m, a) _mm256_maskstore_ps(x, m, a)
#define ONE(x) _mm256_set1_ps(x)
// The instructions give the second operand where one is NaN.
#define MAX(p, q) _mm256_blendv_ps(_mm256_max_ps(p, q), p, _mm256_cmp_ps(p, p, _CMP_UNORD_Q))
#define MIN(p, q) _mm256_blendv_ps(_mm256_min_ps(p, q), p, _mm256_cmp_ps(p, p, _CMP_UNORD_Q))
#define NEG(a) _mm256_xor_ps(a, _mm256_set1_ps(-0.0f))
#define ABS(a) _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a)
#define SQRT(a) _mm256_sqrt_ps(a)
#define RELU(a) _mm256_and_ps(_mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_NLE_UQ), a)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "program_body.h"
#pragma clang attribute pop
#endif
