#include "step.h"

#if defined(__x86_64__)
#define DL_ISA avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))),    \
                             apply_to = function)
#include "step_types.h"
#pragma clang attribute pop
#endif
