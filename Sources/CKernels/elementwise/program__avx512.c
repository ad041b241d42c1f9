#include "../include/chain.h"
#include "common.h"
#if defined(__x86_64__)
#include <immintrin.h>

#define DL_ISA avx512
#define V __m512
#define LANES 16
#define MASK __mmask16
#define MASK_OF(n) ((n) >= 16 ? (__mmask16)0xFFFF : (__mmask16)((1u << (n)) - 1))
#define LOAD(x) _mm512_loadu_ps(x)
#define LOAD1(x, m) _mm512_maskz_loadu_ps(m, x)
#define STORE(x, a) _mm512_storeu_ps(x, a)
#define STORE1(x, m, a) _mm512_mask_storeu_ps(x, m, a)
#define ONE(x) _mm512_set1_ps(x)
// The instructions give the second operand where one is NaN.
#define MAX(p, q) _mm512_mask_mov_ps(_mm512_max_ps(p, q), _mm512_cmp_ps_mask(p, p, _CMP_UNORD_Q), p)
#define MIN(p, q) _mm512_mask_mov_ps(_mm512_min_ps(p, q), _mm512_cmp_ps_mask(p, p, _CMP_UNORD_Q), p)
#define NEG(a) _mm512_xor_ps(a, _mm512_set1_ps(-0.0f))
#define ABS(a) _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a)
#define SQRT(a) _mm512_sqrt_ps(a)
#define RELU(a) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_NLE_UQ), a)

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#include "program_body.h"
#pragma clang attribute pop
#endif
