#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx2.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define MOMENTS dl_blocked_moments_f32__avx2
#define AFFINE dl_blocked_affine_f32__avx2
#include "moments_body.h"

#pragma clang attribute pop
#endif
