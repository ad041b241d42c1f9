#include "movement.h"

#include <string.h>

#define NAME(f) f##__scalar
#include "table_body.h"
#undef NAME

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define NAME(f) f##__avx2
#include "table_body.h"
#undef NAME
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))),        \
                             apply_to = function)
#define NAME(f) f##__avx512
#include "table_body.h"
#undef NAME
#pragma clang attribute pop
#else
#define NAME(f) f##__avx2
#include "table_body.h"
#undef NAME
#define NAME(f) f##__avx512
#include "table_body.h"
#undef NAME
#endif
