#include "../include/byte_images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

#include "vectors_512.h"

#define MOST 4
#define WEIGHT_VECTORS 2
#define DOT(sum, four, w)                                                                          \
  ADD_32(ADD_32(sum, MADD(AND(four, SET_16(255)), LOAD(w))),                                       \
         MADD(HIGH_BYTES(four), LOAD((w) + 4 * LANES)))
#define CONV dl_byte_conv_u8s8__avx512
#include "conv_body.h"

#pragma clang attribute pop
#endif
