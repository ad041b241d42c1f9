#include "blocked.h"

#if defined(__aarch64__)
#include "vectors_neon.h"

#define NAME(op) dl_blocked_##op##_f32__neon
#include "../blocked/winograd_body.h"

#endif
