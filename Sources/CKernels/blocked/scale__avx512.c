#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

#define NAME dl_blocked_scale_f32__avx512
#include "scale_body.h"

#pragma clang attribute pop
#endif
