#include "../include/byte_images.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#pragma clang fp contract(off)

#include "vectors_256.h"

#define PAIR dl_byte_pair_u8__avx2
#define AFFINE dl_byte_affine_u8__avx2
#include "pair_body.h"

#pragma clang attribute pop
#endif
