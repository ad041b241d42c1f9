#include <string.h>

#include "../include/byte_images.h"

// Twelve sums hide the latency of a product on cores with two such units.
#define CHAINS 12

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f,avx512vnni"))) static int32_t peak_avx512vnni(int64_t rounds) {
  __m512i sums[CHAINS], x = _mm512_set1_epi8(1), w = _mm512_set1_epi8(1);
  for (int i = 0; i < CHAINS; i++)
    sums[i] = _mm512_setzero_si512();
  for (int64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++)
      sums[i] = _mm512_dpbusd_epi32(sums[i], x, w);
    // Without it the compiler sums up all rounds at once.
    __asm__ volatile("" : "+v"(x), "+v"(w));
  }
  for (int i = 1; i < CHAINS; i++)
    sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  return _mm512_reduce_add_epi32(sums[0]);
}

__attribute__((target("avx512f,avx512bw"))) static int32_t peak_avx512(int64_t rounds) {
  __m512i sums[CHAINS], x = _mm512_set1_epi16(1), w = _mm512_set1_epi16(1);
  for (int i = 0; i < CHAINS; i++)
    sums[i] = _mm512_setzero_si512();
  for (int64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++) {
      sums[i] = _mm512_add_epi32(sums[i], _mm512_madd_epi16(x, w));
      __asm__ volatile("" : "+v"(x));
    }
  }
  for (int i = 1; i < CHAINS; i++)
    sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  return _mm512_reduce_add_epi32(sums[0]);
}

__attribute__((target("avx2"))) static int32_t peak_avx2(int64_t rounds) {
  __m256i sums[CHAINS], x = _mm256_set1_epi16(1), w = _mm256_set1_epi16(1);
  for (int i = 0; i < CHAINS; i++)
    sums[i] = _mm256_setzero_si256();
  for (int64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++) {
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(x, w));
      __asm__ volatile("" : "+v"(x));
    }
  }
  int32_t lanes[8], total = 0;
  for (int i = 0; i < CHAINS; i++) {
    memcpy(lanes, &sums[i], sizeof lanes);
    for (int j = 0; j < 8; j++)
      total += lanes[j];
  }
  return total;
}
#endif

static int32_t peak_scalar(int64_t rounds) {
  int32_t sums[CHAINS] = {0}, x = 1, total = 0;
  for (int64_t r = 0; r < rounds; r++)
    for (int i = 0; i < CHAINS; i++) {
      sums[i] += x * x;
      __asm__ volatile("" : "+r"(x));
    }
  for (int i = 0; i < CHAINS; i++)
    total += sums[i];
  return total;
}

int64_t dl_peak_u8s8(int32_t isa, int64_t rounds, int32_t *result) {
  int64_t products = 1;
#if defined(__x86_64__)
  if (isa >= 3) {
    *result = peak_avx512vnni(rounds);
    products = 64;
  } else if (isa == 2) {
    *result = peak_avx512(rounds);
    products = 32;
  } else if (isa == 1) {
    *result = peak_avx2(rounds);
    products = 16;
  } else
#endif
    *result = peak_scalar(rounds);
  return rounds * CHAINS * products * 2;
}
