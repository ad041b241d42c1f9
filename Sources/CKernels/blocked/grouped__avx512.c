#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)

#define MOST 8
#define GROUPED 1
#define NAME dl_blocked_grouped_f32__avx512
#include "depthwise_body.h"

#pragma clang attribute pop
#endif
