#include "../include/byte_images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

#pragma clang fp contract(off)

#include "vectors_512.h"

#define PAIR dl_byte_pair_u8__avx512
#define AFFINE dl_byte_affine_u8__avx512
#include "pair_body.h"

#pragma clang attribute pop
#endif
