#include <math.h>
#include <string.h>

#include "../include/byte_images.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define NAME(kernel) kernel##__avx2
#define HAS_FMA 1
#include "image_body.h"

#pragma clang attribute pop
#endif
