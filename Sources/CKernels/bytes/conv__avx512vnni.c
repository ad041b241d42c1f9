#include "../include/byte_images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))),                  \
    apply_to = function)

#include "vectors_512.h"

#define MOST 4
#define WEIGHT_VECTORS 1
#define DOT(sum, four, w) _mm512_dpbusd_epi32(sum, four, LOAD(w))
// Of the first half of the lanes; the others' sums are of no use.
#define DOT_HALF(sum, four, w)                                                                     \
  _mm512_castsi256_si512(_mm256_dpbusd_epi32(_mm512_castsi512_si256(sum),                          \
                                             _mm512_castsi512_si256(four),                         \
                                             _mm256_loadu_si256((const __m256i *)(w))))
#define CONV dl_byte_conv_u8s8__avx512vnni
#include "conv_body.h"

#pragma clang attribute pop
#endif
