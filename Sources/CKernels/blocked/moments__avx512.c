#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

#define MOMENTS dl_blocked_moments_f32__avx512
#define AFFINE dl_blocked_affine_f32__avx512
#include "moments_body.h"

#pragma clang attribute pop
#endif
