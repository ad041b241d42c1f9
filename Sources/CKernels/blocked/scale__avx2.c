#include "blocked.h"

#if defined(__x86_64__)
#include "vectors_avx2.h"

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define NAME dl_blocked_scale_f32__avx2
#include "scale_body.h"

#pragma clang attribute pop
#endif
