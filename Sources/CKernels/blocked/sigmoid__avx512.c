#include "blocked.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

// The bits of 2^(j / 32), less j << 18: with k << 18 added, k = 32 m + j, they are 2^(k / 32).
static const uint32_t powers[32] = {
    0x3f800000, 0x3f7ecd87, 0x3f7daac3, 0x3f7c980f, 0x3f7b95c2, 0x3f7aa43a, 0x3f79c3d3, 0x3f78f4f0,
    0x3f7837f0, 0x3f778d3a, 0x3f76f532, 0x3f767043, 0x3f75fed7, 0x3f75a15b, 0x3f75583f, 0x3f7523f6,
    0x3f7504f3, 0x3f74fbaf, 0x3f7508a4, 0x3f752c4d, 0x3f75672a, 0x3f75b9be, 0x3f76248c, 0x3f76a81e,
    0x3f7744fd, 0x3f77fbb8, 0x3f78ccdf, 0x3f79b907, 0x3f7ac0c7, 0x3f7be4ba, 0x3f7d257d, 0x3f7e83b3};

// Vectors that take each step together: of one alone each step waits for the one before, and what
// waits fills the processor's window. Tiles have 14 or 28 vectors.
enum { MOST = 7 };
#define EACH _Pragma("clang loop unroll(full)") for (int i = 0; i < N; i++)

// 1 / (1 + e^-y) of N vectors. -y = k ln(2) / 32 + r with |r| <= ln(2) / 64, so that a cubic serves
// for e^r; the quotient by an estimate of 14 bits and a step of Newton.
INLINE void sigmoid(const int N, __m512 *y, __m512i low, __m512i high) {
  // Adding 1.5 * 2^23 rounds to an integer, which then lies in the low bits.
  const __m512 magic = _mm512_set1_ps(12582912.0f);
  __m512 t[MOST], r[MOST], q[MOST], power[MOST];
  // Operands in this order keep NaN.
  EACH y[i] = _mm512_min_ps(_mm512_set1_ps(88.0f), _mm512_max_ps(_mm512_set1_ps(-88.7f), y[i]));
  EACH t[i] = _mm512_fmadd_ps(y[i], _mm512_set1_ps(-46.16624130844683f), magic);
  EACH q[i] = _mm512_sub_ps(t[i], magic);
  EACH r[i] = _mm512_fnmsub_ps(q[i], _mm512_set1_ps(0.693359375f / 32), y[i]);
  EACH r[i] = _mm512_fmadd_ps(q[i], _mm512_set1_ps(2.12194440e-4f / 32), r[i]);
  EACH {
    const __m512i bits = _mm512_castps_si512(t[i]);
    power[i] = _mm512_castsi512_ps(
        _mm512_add_epi32(_mm512_permutex2var_epi32(low, bits, high), _mm512_slli_epi32(bits, 18)));
  }
  EACH q[i] = _mm512_fmadd_ps(r[i], _mm512_set1_ps(1.0f / 6), _mm512_set1_ps(0.5f));
  EACH q[i] = _mm512_fmadd_ps(q[i], _mm512_mul_ps(r[i], r[i]), r[i]);
  EACH q[i] = _mm512_add_ps(_mm512_fmadd_ps(power[i], q[i], power[i]), _mm512_set1_ps(1));
  EACH r[i] = _mm512_rcp14_ps(q[i]);
  EACH y[i] = _mm512_mul_ps(r[i], _mm512_fnmadd_ps(q[i], r[i], _mm512_set1_ps(2)));
}

INLINE void vectors(const int N, const int isSwish, const int isScaled, const float *x, float *y,
                    __m512 alpha, __m512i low, __m512i high) {
  __m512 v[MOST], s[MOST];
  EACH v[i] = _mm512_loadu_ps(x + 16 * i);
  EACH s[i] = isScaled ? _mm512_mul_ps(v[i], alpha) : v[i];
  sigmoid(N, s, low, high);
  EACH _mm512_storeu_ps(y + 16 * i, isSwish ? _mm512_mul_ps(v[i], s[i]) : s[i]);
}

INLINE void apply(const int isSwish, const int isScaled, const float *x, float *y, size_t n,
                  float alpha) {
  const __m512i low = _mm512_loadu_si512(powers), high = _mm512_loadu_si512(powers + 16);
  const __m512 a = _mm512_set1_ps(alpha);
  size_t i = 0;
  for (; i + 16 * MOST <= n; i += 16 * MOST)
    vectors(MOST, isSwish, isScaled, x + i, y + i, a, low, high);
  for (; i + 16 <= n; i += 16)
    vectors(1, isSwish, isScaled, x + i, y + i, a, low, high);
  if (i < n) {
    const __mmask16 mask = (__mmask16)((1u << (n - i)) - 1);
    float rest[16] = {0};
    _mm512_mask_storeu_ps(rest, mask, _mm512_maskz_loadu_ps(mask, x + i));
    vectors(1, isSwish, isScaled, rest, rest, a, low, high);
    _mm512_mask_storeu_ps(y + i, mask, _mm512_loadu_ps(rest));
  }
}

void dl_blocked_sigmoid_f32__avx512(const void *x, void *y, size_t n, const double *numbers) {
  (void)numbers;
  apply(0, 0, x, y, n, 1);
}

void dl_blocked_swish_f32__avx512(const void *x, void *y, size_t n, const double *numbers) {
  if (numbers[0] == 1)
    apply(1, 0, x, y, n, 1);
  else
    apply(1, 1, x, y, n, (float)numbers[0]);
}

#pragma clang attribute pop
#endif
