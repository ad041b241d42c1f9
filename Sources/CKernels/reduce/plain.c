#include "../include/reduce.h"
#include <string.h>

#define NAME(f) f##__scalar
#include "plain_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define NAME(f) f##__avx2
#include "plain_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME(f) f##__avx512
#include "plain_body.h"
#undef NAME
#pragma clang attribute pop
#else
#define NAME(f) f##__avx2
#include "plain_body.h"
#undef NAME
#define NAME(f) f##__avx512
#include "plain_body.h"
#undef NAME
#endif
