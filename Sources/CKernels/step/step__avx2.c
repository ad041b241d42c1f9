#include "step.h"

#if defined(__x86_64__)
#define DL_ISA avx2
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "step_types.h"
#pragma clang attribute pop
#endif
