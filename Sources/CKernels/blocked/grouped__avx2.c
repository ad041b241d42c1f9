#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx2.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define MOST 7
#define GROUPED 1
#define NAME dl_blocked_grouped_f32__avx2
#include "depthwise_body.h"

#pragma clang attribute pop
#endif
