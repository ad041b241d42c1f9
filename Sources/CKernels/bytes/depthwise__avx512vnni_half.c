#include "../include/byte_images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma"))),                  \
    apply_to = function)

#define HAS_BYTE_MASKS
#include "vectors_256.h"

#define WEIGHT_VECTORS 1
#define DOT(sum, four, w) _mm256_dpbusd_epi32(sum, four, LOAD(w))
#define DEPTHWISE dl_byte_depthwise_u8s8__avx512vnni_half
#include "depthwise_body.h"

#pragma clang attribute pop
#endif
